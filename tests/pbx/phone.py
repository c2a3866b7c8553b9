"""A telephone for tests: one UDP port that registers, calls, rings, answers, declines, speaks and hangs up.

With a password it is an operator's phone; without one it stands for the provider and carries many calls.
`await phone.incoming.get()` is the next call that comes in.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.patience import PATIENCE_S
from tests.pbx.sip import (
    Headers,
    Message,
    media_of,
    offer,
    proof,
    tag_of,
    token,
    uri_of,
    user_of,
    without_tag,
)
from tests.pbx.sound import Sound

ALLOW = ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, UPDATE")
REASONS = {486: "Busy Here", 603: "Decline", 480: "Temporarily Unavailable", 404: "Not Found"}


class Call:
    """One SIP dialog."""

    def __init__(self, phone: "Phone", *, call_id: str, local: str, remote: str, target: str) -> None:
        self.phone = phone
        self.call_id = call_id
        self.local, self.remote = local, remote  # From and To without tags
        self.local_tag, self.remote_tag = token(), ""
        self.target = target  # where requests go
        self.invite: Message | None = None  # of the one who called us
        self.caller = user_of(remote)
        self.ringing, self.answered, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.ended_by = ""  # "us" or "them"
        self.code = 0  # final answer to our INVITE
        self.sound: Sound | None = None
        self._cseq = 1
        self._branch = ""
        self._version = 0
        self._agreed = asyncio.Event()
        self._direction = "sendrecv"
        self._signed_in = False

    # --- what a test does

    def ring(self) -> None:
        """Say that we ring."""
        self.phone.reply(self._their_invite, 180, "Ringing", self.local_tag)
        self.ringing.set()

    async def answer(self) -> None:
        """Pick up."""
        self.sound = await Sound.open(self.phone.ip)
        self.sound.send_to(media_of(self._their_invite.body))
        self.phone.reply(self._their_invite, 200, "OK", self.local_tag, self._offer())
        self.answered.set()

    def decline(self, code: int = 486) -> None:
        """Refuse: 486 busy, 603 declined, 480 nobody there, 404 no such number."""
        self.phone.reply(self._their_invite, code, REASONS[code], self.local_tag)
        self._end("us")

    def hang_up(self) -> None:
        """End the call, whatever stage it is in."""
        if self.ended.is_set():
            return
        if self.answered.is_set():
            self._request("BYE")
            self._end("us")
        elif self.invite is not None:
            self.decline()
        else:
            self._cancel()

    def say(self, frames: list[bytes]) -> None:
        """Speak these A-law frames, after what is still to be spoken."""
        assert self.sound is not None, "nobody has picked up"
        self.sound.speech.extend(frames)

    async def hold(self, on: bool = True) -> None:
        """Put the other side on hold by re-INVITE, or take it back; returns when the PBX has agreed."""
        assert self.sound is not None, "nobody has picked up"
        self.sound.muted = on
        self._direction = "sendonly" if on else "sendrecv"
        self._agreed.clear()
        self._offer_again()
        await asyncio.wait_for(self._agreed.wait(), PATIENCE_S)

    # --- our own call

    async def dial(self) -> None:
        self.sound = await Sound.open(self.phone.ip)
        self._branch = self._request("INVITE", self._offer())

    def _cancel(self) -> None:
        line = f"SIP/2.0/UDP {self.phone.ip}:{self.phone.port};rport;branch={self._branch}"
        headers: Headers = [
            ("Via", line),
            ("Max-Forwards", "70"),
            ("From", f"{self.local};tag={self.local_tag}"),
        ]
        headers += [("To", self.remote), ("Call-ID", self.call_id), ("CSeq", f"{self._cseq} CANCEL")]
        self.phone.send(Message(f"CANCEL {self.target} SIP/2.0", headers))
        self.ended_by = "us"

    def hear_response(self, response: Message) -> None:
        if response.method != "INVITE":
            return
        if response.code < 200:
            self._hear_progress(response)
        elif response.code < 300:
            self._hear_answer(response)
        else:
            self._hear_refusal(response)

    def _hear_progress(self, response: Message) -> None:
        if response.code >= 180:
            self.ringing.set()

    def _hear_answer(self, response: Message) -> None:
        self.remote_tag = tag_of(response.get("To"))
        self.target = uri_of(response.get("Contact")) or self.target
        self._request("ACK", cseq=int(response.get("CSeq").split()[0]))
        if self.sound is not None:
            self.sound.send_to(media_of(response.body))
        self.code = response.code
        self._agreed.set()
        self.answered.set()
        if self.ended_by == "us":  # picked up while we were giving up
            self.hang_up()

    def _hear_refusal(self, response: Message) -> None:
        headers = [(name, response.get(name)) for name in ("From", "To", "Call-ID")]
        cseq = response.get("CSeq").split()[0]
        headers = [("Via", response.all("Via")[0]), *headers, ("CSeq", f"{cseq} ACK"), ("Max-Forwards", "70")]
        self.phone.send(Message(f"ACK {self.target} SIP/2.0", headers))
        if response.code in (401, 407) and self.phone.password and not self._signed_in:
            self._signed_in = True
            user, password = self.phone.user, self.phone.password
            signed = proof(response, "INVITE", self.target, user, password)
            self._branch = self._request("INVITE", self._offer(), extra=[signed])
        elif response.code == 491:  # the PBX was offering at the same moment: once more, a little later
            asyncio.get_running_loop().call_later(0.2, self._offer_again)
        elif not self.answered.is_set():
            self.code = response.code
            self._end(self.ended_by or "them")

    # --- what the other side does

    def hear_request(self, request: Message) -> None:
        match request.method:
            case "BYE":
                self.phone.reply(request, 200, "OK", self.local_tag)
                self._end("them")
            case "CANCEL":
                self.phone.reply(request, 200, "OK", self.local_tag)
                if not self.answered.is_set() and not self.ended.is_set():
                    self.phone.reply(self._their_invite, 487, "Request Terminated", self.local_tag)
                    self._end("them")
            case "INVITE" if self.answered.is_set() and self.sound is not None:
                self.sound.send_to(media_of(request.body))
                self.phone.reply(request, 200, "OK", self.local_tag, self._offer())
            case "UPDATE":
                body = self._offer() if request.body else b""
                self.phone.reply(request, 200, "OK", self.local_tag, body)
            case "NOTIFY" | "INFO" | "OPTIONS":
                self.phone.reply(request, 200, "OK", self.local_tag)

    # --- inside

    @property
    def _their_invite(self) -> Message:
        assert self.invite is not None, "this call is our own"
        return self.invite

    def _offer(self) -> bytes:
        assert self.sound is not None
        self._version += 1
        return offer(self.phone.ip, self.sound.port, self._version, self._direction)

    def _offer_again(self) -> None:
        if self.sound is not None and not self.ended.is_set():
            self._request("INVITE", self._offer())

    def _request(self, method: str, body: bytes = b"", *, cseq: int = 0, extra: Headers | None = None) -> str:
        if not cseq:
            self._cseq += 1
        branch = "z9hG4bK" + token()
        phone = self.phone
        headers: Headers = [
            ("Via", f"SIP/2.0/UDP {phone.ip}:{phone.port};rport;branch={branch}"),
            ("Max-Forwards", "70"),
            ("From", f"{self.local};tag={self.local_tag}"),
            ("To", self.remote + (f";tag={self.remote_tag}" if self.remote_tag else "")),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq or self._cseq} {method}"),
            ("Contact", phone.contact),
            ALLOW,
            *(extra or []),
        ]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        phone.send(Message(f"{method} {self.target} SIP/2.0", headers, body))
        return branch

    def _end(self, by: str) -> None:
        if not self.ended.is_set():
            self.ended_by = by
            self.ended.set()
            self.close()

    @property
    def heard(self) -> bytes:
        """The sound that came in so far, A-law."""
        return bytes(self.sound.heard) if self.sound is not None else b""

    @property
    def keys(self) -> str:
        """The keys that the other side has pressed so far."""
        return self.sound.keys if self.sound is not None else ""

    def close(self) -> None:
        if self.sound is not None:
            self.sound.close()
            self.sound = None


class Phone(asyncio.DatagramProtocol):
    """One SIP address. `async with Phone.at(...) as phone:`"""

    def __init__(self, user: str, password: str, pbx: tuple[str, int]) -> None:
        self.user, self.password, self.pbx = user, password, pbx
        self.ip = pbx[0]
        self.incoming: asyncio.Queue[Call] = asyncio.Queue()
        self.calls: dict[str, Call] = {}
        self._registration: asyncio.Future[Message] | None = None

    @classmethod
    @asynccontextmanager
    async def at(
        cls, pbx: tuple[str, int], user: str = "trunk", password: str = "", port: int = 0
    ) -> AsyncIterator["Phone"]:
        """A phone that is signed in, when it has a password; port 0 is any."""
        loop = asyncio.get_running_loop()
        _, phone = await loop.create_datagram_endpoint(
            lambda: cls(user, password, pbx), local_addr=(pbx[0], port)
        )
        try:
            if password:
                await phone.register()
            yield phone
        finally:
            await phone.close()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]
        self.contact = f"<sip:{self.user}@{self.ip}:{self.port}>"

    def hang_up(self) -> None:
        """End every call of this phone."""
        for call in self.calls.values():
            call.hang_up()

    async def close(self) -> None:
        """Sign out where somebody still listens, and be gone."""
        for call in self.calls.values():
            call.close()
        if self.password:
            with suppress(TimeoutError):
                await self.register(0)
        self._transport.close()
        await asyncio.sleep(0)  # the port is free only after the loop has gone round once

    async def register(self, expires_s: int = 600) -> None:
        """Sign in (0 s: sign out). Raises `PermissionError` when the PBX refuses."""
        tag, call_id, uri = token(), token(), f"sip:{self.pbx[0]}:{self.pbx[1]}"
        extra: Headers = []
        for cseq in (1, 2):
            me = f"<sip:{self.user}@{self.ip}>"
            headers: Headers = [
                ("Via", f"SIP/2.0/UDP {self.ip}:{self.port};rport;branch=z9hG4bK{token()}"),
                *[("Max-Forwards", "70"), ("From", f"{me};tag={tag}"), ("To", me), ("Call-ID", call_id)],
                *[("CSeq", f"{cseq} REGISTER"), ("Contact", self.contact), ("Expires", str(expires_s))],
                *extra,
            ]
            self._registration = asyncio.get_running_loop().create_future()
            self.send(Message(f"REGISTER {uri} SIP/2.0", headers))
            response = await asyncio.wait_for(self._registration, PATIENCE_S)
            if response.code == 200:
                return
            extra = [proof(response, "REGISTER", uri, self.user, self.password)]
        raise PermissionError(f"{self.user}: {response.start}")

    async def call(self, number: str, *, caller: str | None = None, name: str = "") -> Call:
        """Dial. `caller` is the number that we show, `name` the name beside it."""
        uri = f"<sip:{self.user if caller is None else caller}@{self.ip}>"
        there = f"sip:{number}@{self.pbx[0]}:{self.pbx[1]}"
        local = f'"{name}" {uri}' if name else uri
        call = Call(self, call_id=token(20), local=local, remote=f"<{there}>", target=there)
        self.calls[call.call_id] = call
        await call.dial()
        return call

    # --- the wire

    def send(self, message: Message) -> None:
        self._transport.sendto(bytes(message), self.pbx)

    def reply(self, request: Message, code: int, reason: str, tag: str, body: bytes = b"") -> None:
        to = request.get("To")
        headers: Headers = [("Via", via) for via in request.all("Via")]
        headers += [("From", request.get("From")), ("To", to if tag_of(to) else f"{to};tag={tag}")]
        headers += [("Call-ID", request.get("Call-ID")), ("CSeq", request.get("CSeq"))]
        headers += [("Contact", self.contact), ALLOW]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        self.send(Message(f"SIP/2.0 {code} {reason}", headers, body))

    def datagram_received(self, data: bytes, addr: tuple[str | bytes, int]) -> None:
        if not data.strip():
            return
        message = Message.parse(data)
        call = self.calls.get(message.get("Call-ID"))
        if message.code and message.method == "REGISTER":
            if self._registration is not None and not self._registration.done():
                self._registration.set_result(message)
        elif message.code and call is not None:
            call.hear_response(message)
        elif not message.code:
            self._hear_request(message, call)

    def _hear_request(self, request: Message, call: Call | None) -> None:
        if call is not None:
            call.hear_request(request)
        elif request.method == "INVITE":
            self._hear_invite(request)
        elif request.method == "OPTIONS":
            self.reply(request, 200, "OK", token())
        elif request.method != "ACK":
            self.reply(request, 481, "Call Does Not Exist", token())

    def _hear_invite(self, invite: Message) -> None:
        call = Call(
            self,
            call_id=invite.get("Call-ID"),
            local=invite.get("To"),
            remote=without_tag(invite.get("From")),
            target=uri_of(invite.get("Contact")),
        )
        call.invite = invite
        call.remote_tag = tag_of(invite.get("From"))
        self.calls[call.call_id] = call
        self.reply(invite, 100, "Trying", call.local_tag)
        self.incoming.put_nowait(call)

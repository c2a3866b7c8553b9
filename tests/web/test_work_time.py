"""Working time through the pages and the API: begin and end, a month, corrections by who may, the file."""

from sqlalchemy import select

from crm_core.audit import AuditEntry


async def test_work_is_begun_ended_seen_corrected_and_taken_along(client_of, people, clock, database) -> None:
    anna, eva = await client_of("operator"), await client_of("supervisor")
    me, day = people["operator"], f"{clock():%Y-%m-%d}"
    assert (await (await anna.get("/api/v1/attendance")).json()) == {"began_at": None}
    assert (await anna.post("/attendance/begin")).status == 200
    assert (await anna.post("/api/v1/attendance/begin")).status == 409
    assert "at work already" in await (await anna.post("/attendance/begin")).text()
    clock.move(hours=3)
    assert "End work" in await (await anna.get(f"/attendance/{me}")).text()
    assert (await anna.post("/api/v1/attendance/end")).status == 200

    assert (await anna.get(f"/attendance/{people['supervisor']}")).status == 403
    assert (await anna.get("/api/v1/attendance/days", params={"user_id": people["senior"]})).status == 403
    assert (await (await anna.get("/attendance")).text()).count("3:00") >= 1  # her own month
    team = await (await eva.get("/attendance")).text()
    assert "Together" in team and "3:00" in team
    (told,) = await (await eva.get("/api/v1/attendance/days")).json()
    (span,) = told["spans"]
    assert (told["user_id"], told["worked_s"], told["days"][0]["estimated"]) == (me, 3 * 3600, False)

    change = {"began_at": span["began_at"], "ended_at": span["ended_at"], "reason": "Was at the fair"}
    at = f"/api/v1/attendance/spans/{span['id']}"
    assert (await anna.patch(at, json=change | {"version": span["version"]})).status == 403
    assert (await eva.patch(at, json=change | {"version": 99})).status == 409
    assert (await eva.patch(at, json=change | {"reason": "", "version": span["version"]})).status == 422
    began = f"{clock():%Y-%m-%d}T00:30:00+00:00"
    answer = await eva.patch(at, json=change | {"began_at": began, "version": span["version"]})
    assert (answer.status, (await answer.json())["version"]) == (200, span["version"] + 1)
    page = await (await eva.get(f"/attendance/{me}")).text()
    assert "What was corrected" in page and "Was at the fair" in page
    refused = await eva.post(
        f"/attendance/{me}/correct", data={"day": day, "began": "00:40", "reason": "Again"}
    )
    assert "another time of work" in await refused.text()
    form = {"day": day, "span_id": str(span["id"]), "do": "remove", "reason": "Pressed by mistake"}
    astray = await eva.post(f"/attendance/{people['senior']}/correct", data=form)
    assert astray.status == 422 and "another colleague" in await astray.text()
    assert await (await eva.get("/api/v1/attendance/days", params={"user_id": me})).json() != []
    sheet = await eva.get("/api/v1/exports/attendance", params={"format": "csv"})
    lines = (await sheet.text()).splitlines()
    assert lines[0].endswith("Estimated,Goes on") and len(lines) == 2
    assert (
        (await eva.get("/api/v1/exports/attendance", params={"format": "xlsx"}))
        .headers["Content-Type"]
        .startswith("application/vnd")
    )
    assert (await eva.post(f"/attendance/{me}/correct", data=form)).status == 200
    (left,) = await (await eva.get("/api/v1/attendance/days", params={"user_id": me})).json()
    assert left["days"] == [] and left["spans"] == []
    async with database.begin() as session:
        actions = set(await session.scalars(select(AuditEntry.action)))
    assert {"attendance.correct", "attendance.export"} <= actions

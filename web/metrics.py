"""Figures about the process for Prometheus, in a registry of their own (nothing global)."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The registry and the figures the web keeps; other rooms add theirs to `registry`."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        labels = ["method", "route", "status"]
        self.requests = Counter("callcenter_http_requests", "Requests answered", labels, registry=own)
        self.request_time = Histogram(
            "callcenter_http_request_seconds", "Time to answer", ["route"], registry=own
        )
        self.sign_ins = Counter("callcenter_sign_ins", "Attempts to sign in", ["result"], registry=own)
        self.browsers = Gauge("callcenter_push_browsers", "Browsers connected", registry=own)
        self.pushed = Counter("callcenter_push_messages", "Messages sent to browsers", registry=own)
        self.cut = Counter("callcenter_push_cut", "Browsers cut off", ["reason"], registry=own)
        self.link_up = Gauge("callcenter_pbx_link_up", "1 while the PBX's link is up", ["pbx"], registry=own)

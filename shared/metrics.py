"""The figures of one process, under names that alert rules know."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The figures of one process, under names that the alert rules know."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "avrr_requests", "answered requests", ["operation", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "avrr_request_seconds", "time to answer", ["operation"], registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.statements = Gauge("avrr_sql_statements", "statements sent", ["login"], registry=self.registry)
        self.transactions = Gauge("avrr_transactions", "transactions begun", ["login"], registry=self.registry)
        self.log_size = Gauge("avrr_log_size", "entries of the log", registry=self.registry)
        self.program_reads = Counter(
            "avrr_log_program_reads", "times that the archive's program was told of the log", registry=self.registry
        )
        self.cursor = Gauge("avrr_cursor", "last index followed", ["source"], registry=self.registry)
        self.dead_letters = Gauge("avrr_dead_letters", "events set aside", registry=self.registry)
        self.service = service

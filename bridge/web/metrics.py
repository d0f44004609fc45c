"""`/metrics`: what is measured, in the text format of Prometheus.

Nothing is counted here: this process serves what the database holds, since the engine, which does
most of what is counted, is another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bridge.domain.metrics import Distribution, Family
from bridge.web.ports import Measured

PATH = "/metrics"

MetricFamily = GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily


def create_blueprint(bridge: Measured) -> Blueprint:
    """The route /metrics; who may ask is looked at before (`api.open_metrics`)."""

    def metrics() -> Response:
        """503 while the database cannot be read: a scrape that fails is seen at once."""
        response = Response(exposition(bridge.measured(engine_up=bridge.engine_up())))
        response.headers["Content-Type"] = CONTENT_TYPE_LATEST
        response.headers["Cache-Control"] = "no-store"
        return response

    blueprint = Blueprint("metrics", __name__)
    blueprint.add_url_rule(PATH, view_func=metrics)
    return blueprint


def exposition(families: Sequence[Family]) -> bytes:
    """These metrics as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(families))
    return generate_latest(registry)


class _Given(Collector):
    """A collector of what was collected already."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[MetricFamily]:
        """One family of prometheus-client for each of ours."""
        return map(_made, self._families)


def _made(family: Family) -> MetricFamily:
    metric, labels = family.metric, family.metric.labels
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=labels)
        for values, found in family.values.items():
            assert isinstance(found, Distribution)
            buckets = [(_bound(bound), float(count)) for bound, count in found.buckets]
            histogram.add_metric(values, buckets, found.total)
        return histogram
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    made = kind(metric.name, metric.help, labels=labels)
    for values, number in family.values.items():
        assert not isinstance(number, Distribution)
        made.add_metric(values, number)
    return made


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else f"{bound:g}"

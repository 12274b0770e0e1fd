"""Points of metrics out of an export request."""

from collections.abc import Iterator
from typing import Final, TypeAlias

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from kafkascope_demo.otlpreceiver.records import (
    Batch,
    Origin,
    PointRecord,
    digest,
    time_of,
    to_json,
)
from kafkascope_demo.otlpreceiver.values import Json, attributes_of, number_of

_TEMPORALITIES: Final = ("UNSPECIFIED", "DELTA", "CUMULATIVE")

_Point: TypeAlias = (
    NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint
)


def read_points(request: ExportMetricsServiceRequest) -> Batch:
    """Give the points of a request; those whose times are invalid are rejected."""
    batch = Batch()
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            origin = Origin.of(resource.resource, scope.scope)
            for metric in scope.metrics:
                _take(batch, origin, metric)
    return batch


def _take(batch: Batch, origin: Origin, metric: Metric) -> None:
    kind = metric.WhichOneof("data")
    about: dict[str, Json] = {
        "name": metric.name,
        "description": metric.description,
        "unit": metric.unit,
        "type": kind,
    }
    if kind == "sum":
        about["monotonic"] = metric.sum.is_monotonic
    if kind in {"sum", "histogram", "exponential_histogram"}:
        number = getattr(metric, kind).aggregation_temporality
        about["temporality"] = _TEMPORALITIES[number] if number < len(_TEMPORALITIES) else number
    for point in _points_of(metric):
        try:
            batch.points.append(_record(origin, about, point))
        except ValueError as error:
            batch.reject(f"metric {metric.name!r}: {error}")


def _points_of(metric: Metric) -> Iterator[_Point]:
    yield from metric.gauge.data_points
    yield from metric.sum.data_points
    yield from metric.histogram.data_points
    yield from metric.exponential_histogram.data_points
    yield from metric.summary.data_points


def _record(origin: Origin, about: dict[str, Json], point: _Point) -> PointRecord:
    time = time_of(point.time_unix_nano)
    attributes = attributes_of(point.attributes)
    body: dict[str, Json] = {
        **about,
        "attributes": attributes,
        "startTimeUnixNano": time_of(point.start_time_unix_nano),
        "timeUnixNano": time,
        **_measured(point),
    }
    if not isinstance(point, SummaryDataPoint):
        body["exemplars"] = [_exemplar(one) for one in point.exemplars]
    sorted_attributes: Json = dict(sorted(attributes.items()))
    series = digest(to_json([origin.key, about["name"], about["type"], sorted_attributes]))
    return PointRecord(origin, series, str(about["name"]), time, to_json(body))


def _measured(point: _Point) -> dict[str, Json]:
    """Give what was measured: a value, or a distribution's parts."""
    if isinstance(point, NumberDataPoint):
        return {"value": _number(point)}
    about: dict[str, Json] = {"count": point.count, "sum": number_of(point.sum)}
    if isinstance(point, SummaryDataPoint):
        about["quantiles"] = [
            {"quantile": one.quantile, "value": number_of(one.value)}
            for one in point.quantile_values
        ]
        return about
    about["min"] = number_of(point.min) if point.HasField("min") else None
    about["max"] = number_of(point.max) if point.HasField("max") else None
    if isinstance(point, HistogramDataPoint):
        about["bucketCounts"] = list(point.bucket_counts)
        about["explicitBounds"] = [number_of(bound) for bound in point.explicit_bounds]
        return about
    about["scale"] = point.scale
    about["zeroCount"] = point.zero_count
    for name, buckets in (("positive", point.positive), ("negative", point.negative)):
        about[name] = {"offset": buckets.offset, "bucketCounts": list(buckets.bucket_counts)}
    return about


def _exemplar(exemplar: Exemplar) -> Json:
    return {
        "value": _number(exemplar),
        "timeUnixNano": exemplar.time_unix_nano,
        "traceId": exemplar.trace_id.hex() or None,
        "spanId": exemplar.span_id.hex() or None,
        "attributes": attributes_of(exemplar.filtered_attributes),
    }


def _number(measured: NumberDataPoint | Exemplar) -> Json:
    kind = measured.WhichOneof("value")
    if kind == "as_int":
        return measured.as_int
    return number_of(measured.as_double) if kind == "as_double" else None

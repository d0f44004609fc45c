"""Charts: where their shapes stand, in a box of 1000 by 1000 with zero below."""

from bridge.domain.policy import DAY, Policy
from bridge.engine.insight.charts import Confirmations, Moment, Usage
from bridge.store.views.licences import Confirmation
from bridge.web.pages import charts, states
from bridge.web.pages.times import Times

NOW = 1_800_000_000.0
TIMES = Times(Policy(), NOW)


def test_states_are_stacked_from_what_is_done_to_what_is_stuck() -> None:
    moments = [
        Moment(NOW - 100, {"waiting": 4}),
        Moment(NOW - 50, {"installed": 1, "waiting": 3}),
        Moment(NOW, {"installed": 2, "waiting": 1, "failed": 1}),
    ]
    chart = charts.states(moments, TIMES)
    assert chart is not None
    assert [shape.cls.split()[2] for shape in chart.shapes] == [
        "s-installed",
        "s-waiting",
        "s-failed",
    ]
    installed, waiting, _ = [shape.path for shape in chart.shapes]
    assert installed == "M0 1000L500 750L1000 500L1000 1000L500 1000L0 1000Z"
    assert waiting.startswith("M0 0L500 0L1000 250")
    assert chart.table.rows[-1][1:] == (2, 1, 1)


def test_one_moment_is_no_chart() -> None:
    assert charts.states([Moment(NOW, {"installed": 2})], TIMES) is None
    assert charts.states([], TIMES) is None
    assert charts.confirmations(Confirmations([], {}), TIMES) is None
    assert charts.licences(Usage("hq", "STDQ", [(NOW, 3)], 10, None), TIMES, "Pages") is None


def test_each_confirmation_is_a_dot_of_who_told_first() -> None:
    times = [
        Confirmation(NOW, NOW + 2.0, "notification", "hq", 5),
        Confirmation(NOW + 10, NOW + 14.0, "status", "hq", 5),
    ]
    chart = charts.confirmations(Confirmations(times, {"notification": 2.0, "status": 4.0}), TIMES)
    assert chart is not None
    assert [(shape.cls, shape.path) for shape in chart.shapes] == [
        ("dot w-notification", "M0 500h.01"),
        ("dot w-status", "M1000 0h.01"),
    ]
    assert "2.0 s by notification, 4.0 s by status" in chart.sentence


def test_the_forecast_goes_on_to_the_last_seat() -> None:
    days = [(NOW - day * DAY, 100 - day * 10) for day in range(9, -1, -1)]
    chart = charts.licences(Usage("hq", "STDQ", days, 150, NOW + 5 * DAY), TIMES, "Pages")
    assert chart is not None
    used, total, forecast = chart.shapes
    assert (used.cls, total.cls, forecast.cls) == ("line used", "line total", "line forecast")
    end_of_used = used.path.rpartition("L")[2]
    assert forecast.path.startswith(f"M{end_of_used}L1000 ")
    assert forecast.path.rpartition(" ")[2] == total.path.rpartition(" ")[2]
    assert "100 of 150 are in use. The last one goes about 2027-01-20." in chart.sentence


def test_a_state_that_is_there_can_be_seen() -> None:
    parts = states.bar({"installed": 250_000, "failed": 1})
    assert [part.name for part in parts] == ["installed", "failed"]
    assert parts[1].width > 5.0
    assert parts[0].width + parts[1].width == 1000.0
    assert states.bar({}) == []

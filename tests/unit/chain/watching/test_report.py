"""The report link: when it issues, what it says, and that every number can be produced again."""

from __future__ import annotations

import html
import re

import pytest

from catena.chain.watching.monitor import monitor_partition
from catena.chain.watching.report import issue_report, report_path, verify_report
from catena.partitions import start_of
from catena.reports import evidence_of, numbers_of


@pytest.fixture
def issued(watched, begin):
    """The same, with the report of February issued."""
    begin("issued", lambda: issue_report(watched.workspace, watched.usecase, "2013-02", watched.run))
    return watched


def page_of(world, month):
    """Return the page of a month."""
    return report_path(world.workspace, world.usecase, month).read_text(encoding="utf-8")


def test_every_number_can_be_produced_again(watched):
    """Each number that the page shows comes out of its query at the pinned versions, also after the tables moved on."""
    assert issue_report(watched.workspace, watched.usecase, "2013-02", watched.run).status == "published"
    shown = numbers_of(page_of(watched, "2013-02"))
    assert len(shown) > 40
    watched.put("arrivals", [], ["2013-02-10"])
    watched.put("predictions", [], ["2013-02-10"])
    watched.judge("2013-02-10", "FAIL")
    assert verify_report(watched.workspace, watched.usecase, "2013-02") == []


def test_a_wrong_number_is_found_out(issued):
    """A number that was changed on the page, or cites nothing, is reported as a disagreement."""
    path = report_path(issued.workspace, issued.usecase, "2013-02")
    page = path.read_text(encoding="utf-8")
    changed = re.sub(r'(data-n="month.0.entities.count"[^>]*>)[^<]*<', r"\g<1>9,999<", page, count=1)
    assert changed != page
    path.write_text(changed, encoding="utf-8")
    assert len(verify_report(issued.workspace, issued.usecase, "2013-02")) == 1


def test_no_number_stands_without_evidence(issued):
    """Outside cited numbers, dates, charts, quotations and declared words, the page shows no digit."""
    page = page_of(issued, "2013-02")
    for element in ("script", "style", "svg", "details", "blockquote", "q", "title"):
        page = re.sub(rf"<{element}\b.*?</{element}>", "", page, flags=re.DOTALL)
    page = re.sub(r'<span class="n[^>]*>[^<]*</span>', "", page)
    words = html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("January 2013", "").replace("February 2013", "")
    words = words.replace("March 2013", "").replace("Late by over 15 minutes", "")
    # Explanations of the measures name their fixed points.
    for fixed in ("0.5 is chance, 1 is perfect", "of 100", "below 0.1", "above 0.25"):
        words = words.replace(fixed, "")
    assert re.findall(r".{20}\d.{10}", words) == []


def test_figures_agree_with_a_count_by_hand(issued):
    """Volume, share, and both ranking qualities are those of a count over the rows themselves."""
    numbers = {key: item["value"] for key, item in evidence_of(page_of(issued, "2013-02"))["numbers"].items()}
    rows = [row for row in issued.lake.read("arrivals").to_pylist() if row["delay_min"] is not None]
    features = {row["entity"]: row for row in issued.lake.read("features").to_pylist()}
    scores = {row["entity"]: row["score"] for row in issued.lake.read("predictions").to_pylist()}
    january = [row for row in rows if row["partition"] < "2013-02"]
    february = [row for row in rows if row["partition"] >= "2013-02"]
    overall = sum(row["delay_min"] > 15 for row in january) / len(january)
    means = {}
    for region in ("east", "north", "south"):
        late = [row["delay_min"] > 15 for row in january if features[row["parcel"]]["region"] == region]
        # Twenty rows of the mean of all, as the declared baseline of the modeling package has it.
        means[region] = (sum(late) + 20 * overall) / (len(late) + 20)
    judged = [
        (row["delay_min"] > 15, scores[row["parcel"]], means[features[row["parcel"]]["region"]]) for row in february
    ]

    def auc(column):
        late = [item[column] for item in judged if item[0]]
        others = [item[column] for item in judged if not item[0]]
        return sum((a > b) + 0.5 * (a == b) for a in late for b in others) / (len(late) * len(others))

    assert numbers["month.0.entities.count"] == 28 * 24
    assert numbers["month.0.label_mean.share"] == pytest.approx(sum(item[0] for item in judged) / len(judged))
    assert numbers["served.0.model_roc_auc.score"] == pytest.approx(auc(1))
    assert numbers["served.0.baseline_roc_auc.score"] == pytest.approx(auc(2))
    brier = sum((item[2] - item[0]) ** 2 for item in judged) / len(judged)
    assert numbers["served.0.baseline_brier.score"] == pytest.approx(brier)


def test_it_is_issued_once_and_anew_after_a_correction(watched):
    """Unchanged inputs write no file and no second entry; a corrected day gives a new issue."""
    first = issue_report(watched.workspace, watched.usecase, "2013-02", watched.run)
    page = page_of(watched, "2013-02")
    again = issue_report(watched.workspace, watched.usecase, "2013-02", watched.run)
    assert (first.status, again.status, again.partitions) == ("published", "unchanged", ())
    assert issue_report(watched.workspace, watched.usecase, "2013-02", watched.again()).partitions == ("2013-02",)
    rows = watched.lake.read("arrivals", ["2013-02-10"]).to_pylist()
    watched.put("arrivals", [row | {"delay_min": 90.0} for row in rows], ["2013-02-10"])
    monitor_partition(watched.workspace, watched.usecase, "2013-02-10", watched.run)
    assert issue_report(watched.workspace, watched.usecase, "2013-02", watched.run).status == "published"
    assert page_of(watched, "2013-02") != page
    entries = watched.workspace.ledger.entries("parcels", kind="report")
    assert [entry.decision for entry in entries] == ["ISSUED", "ISSUED"]


def test_a_lost_page_comes_back_byte_for_byte(issued):
    """The same inputs give the same bytes, and the ledger keeps its one entry."""
    page = page_of(issued, "2013-02")
    report_path(issued.workspace, issued.usecase, "2013-02").unlink()
    assert issue_report(issued.workspace, issued.usecase, "2013-02", issued.run).status == "published"
    assert page_of(issued, "2013-02") == page
    assert len(issued.workspace.ledger.entries("parcels", kind="report")) == 1


def test_it_waits_for_every_served_day(world, february):
    """Without the health of a served day there is no report, and the reason names the day."""
    outcome = issue_report(world.workspace, world.usecase, "2013-02", world.run)
    assert (outcome.status, february[0] in outcome.reason) == ("skipped", True)


def test_the_first_month_is_reported_without_predictions(world):
    """Before anything served, the report says what happened, what was trained and what was decided."""
    outcome = issue_report(world.workspace, world.usecase, "2013-01", world.run)
    assert outcome.status == "published"
    page = page_of(world, "2013-01")
    assert "No model served yet" in page
    assert "better than the baseline by 0.16" in page
    assert verify_report(world.workspace, world.usecase, "2013-01") == []


def test_words_from_outside_are_escaped(issued):
    """Declared words and names from tables cannot become markup."""
    page = page_of(issued, "2013-02")
    assert "<and>" not in page
    assert "East &lt;side&gt;" in page


def test_a_regression_speaks_of_errors(world_of, february):
    """A regression's report has errors in the label's unit, against the baseline, and no ranking."""
    world = world_of("regression")
    for day in february[::7]:
        monitor_partition(world.workspace, world.usecase, day, world.run)
    outcome = issue_report(world.workspace, world.usecase, "2013-02", world.run)
    page = page_of(world, "2013-02")
    assert "off by" in outcome.details["headline"]
    assert "ROC AUC" not in page
    assert verify_report(world.workspace, world.usecase, "2013-02") == []


def test_the_index_leads_to_every_report(watched):
    """The index lists each month once, newest first, with working addresses."""
    issue_report(watched.workspace, watched.usecase, "2013-01", watched.run)
    outcome = issue_report(watched.workspace, watched.usecase, "2013-02", watched.run)
    index = watched.workspace.settings.pages / "index.html"
    assert outcome.details["index"] == str(index)
    addresses = re.findall(r'href="([^"]+)"', index.read_text(encoding="utf-8"))
    assert addresses == ["parcels/reports/2013-02.html", "parcels/reports/2013-01.html"]
    assert all((index.parent / address).exists() for address in addresses)


def test_a_rollback_issues_the_report_anew_and_stands_on_it(issued):
    """Who took a version out of service, from which day and why is told to whoever reads the month's report."""
    served = {"model_version": "1", "role": "champion", "trained_on": "2013-01"}
    issued.workspace.ledger.append(
        issued.run, kind="rollback", subject="model", partition="2013-02-20", decision="ROLLBACK",
        effective_at=start_of("2013-02-20"),
        payload={"serves": served | {"model_version": "0"}, "replaces": served, "actor": "os:ada",
                 "reason": "complaints of <customers>", "is_automatic": False},
    )  # fmt: skip
    assert issue_report(issued.workspace, issued.usecase, "2013-02", issued.run).status == "published"
    page = page_of(issued, "2013-02")
    assert "asked by os:ada" in page
    assert "complaints of &lt;customers&gt;" in page
    shown = dict(numbers_of(page))
    assert (shown["changes.0.model_version.text"], shown["changes.0.replaces.text"]) == ("0", "1")
    assert verify_report(issued.workspace, issued.usecase, "2013-02") == []
    # Days that the other version scored wait for scoring before they are measured again.
    version = issued.lake.version("health")
    monitor_partition(issued.workspace, issued.usecase, "2013-02-27", issued.run)
    assert issued.lake.version("health") == version

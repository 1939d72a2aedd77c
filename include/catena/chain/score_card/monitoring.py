"""Monitoring 1 to 7: what is watched while a model serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from catena.chain.score_card.evidence import Evidence
from catena.chain.score_card.finding import (
    Finding,
    Link,
    absent,
    automated,
    by_hand,
    counted,
    entry_link,
    entry_links,
    table_link,
)
from catena.chain.score_card.results import by_tests
from catena.governance import Entry
from catena.partitions import last_day_of, parse_day

_REFUSED = {"FAIL", "WARN", "NO_DATA"}
# A month of training, and the month in which the version serves.
_OLDEST_DAYS = 31
# Whose CPU for a row must not grow; a busy machine and another recipe make less of a difference than this factor.
_WATCHED, _DEARER = ("features", "train", "score", "monitor"), 2.0


def dependencies_notify(evidence: Evidence) -> Finding:
    """Monitoring 1: a source that changes is noticed, and somebody hears of it."""
    alarms = [*evidence.of("alarm"), *(entry for entry in evidence.of("quality") if entry.decision in _REFUSED)]
    paths = ("tests/unit/chain/ingesting/test_bad_input.py", "tests/unit/streams/test_schema_registry.py")
    if alarms:
        last = alarms[-1]
        off = counted(len(alarms), "delivery or state", "deliveries or states")
        said = f"{off} off, and said so; the newest: {last.subject} of {last.partition}, {last.decision}."
        return automated(said, *entry_links(alarms))
    return by_tests(evidence.tests, "What a source delivers otherwise than agreed is refused and named", paths)


def input_invariants(evidence: Evidence) -> Finding:
    """Monitoring 2: each delivery is held to what must be true of it, and a day without one is known as such."""
    usecase = evidence.usecase
    names = [dataset.name for dataset in usecase.partitioned_datasets if dataset.rules]
    todo = f"catena backfill {usecase.name} --from DAY --to DAY"
    if not names:
        return absent("No dataset has rules that its deliveries are held to.", "declare rules")
    if evidence.scored is None:
        return absent("Nothing was served yet, so no input of serving was checked.", todo)
    in_order = sorted(evidence.of("quality"), key=lambda entry: (entry.partition, entry.id))
    told = {entry.subject: entry for entry in in_order}
    checked = {entry.subject: entry for entry in in_order if entry.payload.get("rules")}
    open_ = [name for name in names if name not in checked or told[name].partition < evidence.scored]
    if open_:
        return absent(f"The delivery of {', '.join(open_)} up to {evidence.scored} was not checked.", todo)
    rules = sum(len(checked[name].payload["rules"]) for name in names)
    said = f"{rules} rules were applied to the deliveries of {len(names)} datasets up to {evidence.scored}."
    without = [
        f" No {name} came for {told[name].partition}: the last delivery is of {checked[name].partition}."
        for name in names if told[name].decision == "NO_DATA"
    ]  # fmt: skip
    return automated(said + "".join(without), *(entry_link(checked[name]) for name in names[:3]))


def no_skew(evidence: Evidence) -> Finding:
    """Monitoring 3: features in service are those of training."""
    found = evidence.measured("skew", None)
    if not found:
        return absent("No difference of features between training and serving is measured.", _monitor(evidence))
    worst = max(found, key=lambda row: float(row["value"]))
    said = f"{counted(len(found), 'measure')} of skew on {worst['partition']}, the largest {float(worst['value']):.4g}."
    return _by_health(evidence, said, found)


def models_not_stale(evidence: Evidence) -> Finding:
    """Monitoring 4: what serves was made of recent data."""
    usecase = evidence.usecase
    models = [spell for spell in evidence.spells if spell.serves["role"] == "champion" and spell.share == 1]
    trained = {entry.partition: entry for entry in evidence.of("candidate", "model")}
    if not models or evidence.scored is None:
        return absent("No model has served yet.", f"catena backfill {usecase.name} --from DAY --to DAY")
    serves = [spell for spell in models if spell.first <= evidence.scored][-1:] or models[:1]
    month = serves[0].serves.get("trained_on")
    entry = trained.get(str(month))
    if month is None or entry is None:
        said = f"What {serves[0].serves['model_version']} was trained on is not on record."
        return by_hand(said, "let the chain train what serves", entry_link(serves[0].entry))
    age = (parse_day(evidence.scored) - parse_day(last_day_of(str(month)))).days
    said = f"On {evidence.scored} the newest data in {serves[0].serves['model_version']} was {age} days old."
    if age <= _OLDEST_DAYS:
        return automated(said, entry_link(entry), entry_link(serves[0].entry))
    newer = [each for each in trained.values() if each.partition > str(month)]
    judged = f"{counted(len(newer), 'newer candidate')} judged since, none shown to be better."
    if newer:
        return automated(f"{said} {judged}", *entry_links(newer))
    return absent(f"{said} Nothing newer was trained.", f"catena airflow dags trigger {usecase.name}.train",
                  entry_link(entry))  # fmt: skip


def numerically_stable(evidence: Evidence) -> Finding:
    """Monitoring 5: no number on the way to a prediction is none."""
    found = evidence.measured("unsound_score")
    if found:
        said = (
            f"{100 * float(found[0]['value']):g} % of {found[0]['rows']} scores on {found[0]['partition']} are unsound."
        )
        if any(float(row["value"]) > 0 for row in found):
            return absent(said, "find out which rows they are", _health(evidence))
        return _by_health(evidence, said, [*found, *evidence.measured("score_jump")])
    version = evidence.serving or ""
    checks = evidence.proofs.get(version, {}).get("training") or []
    entry = evidence.last("proof", version)
    if checks and entry is not None:
        passed = sum(check["verdict"] == "passed" for check in checks)
        said = f"{passed} of {len(checks)} checks of {version}'s training passed, finite scores among them."
        return by_hand(f"{said} In service nothing is measured.", _monitor(evidence), entry_link(entry))
    return absent("Nothing is measured of numerical stability.", _monitor(evidence))


def computing_not_regressed(evidence: Evidence) -> Finding:
    """Monitoring 6: what training and scoring cost is measured month by month, and set beside the months before."""
    months = {entry.partition: entry for entry in evidence.of("cost")}
    timed = [
        (entry, check) for entry in evidence.of("promotion", "model") for check in entry.payload.get("checks", [])
        if check["name"] == "scores_in_time"
    ]  # fmt: skip
    todo = f"catena airflow dags trigger {evidence.usecase.name}.report"
    links = [entry_link(entry, check["reason"]) for entry, check in timed[-1:]]
    if not months and not timed:
        return absent("Nothing is measured of time or memory.", todo)
    latency = f" {timed[-1][1]['reason']}" if timed else ""
    costs = entry_links(list(months.values()))
    if len(months) < 2:
        return by_hand(f"One month's costs are no comparison.{latency}", todo, *links, *costs)
    last, said, dearer = months[max(months)], [], []
    for each in last.payload["links"]:
        link, now = str(each["link"]), each["cpu_per_1000"]
        before = _median_before(months, link)
        if link not in _WATCHED or now is None or before is None:
            continue
        said.append(f"{link} {now:.2f} against {before:.2f}")
        dearer += [link] if now > _DEARER * before else []
    if timed and timed[-1][1]["status"] != "passed":
        dearer.append("scoring 1,000 rows at the gate")
    warning = f"More than {_DEARER:g} times as dear as before: {', '.join(dearer)}." if dearer else ""
    found = (
        f"CPU seconds for 1,000 rows in {last.partition}, against the median of the months before: "
        f"{'; '.join(said) or 'of no link there are rows in two months'}.{latency}"
    )
    return automated(found, *costs, *links, warning=warning)


def _median_before(months: Mapping[str, Entry], link: str) -> float | None:
    """Return the median CPU for 1,000 rows of a link in all months but the last one, None where there is none."""
    found = [
        each["cpu_per_1000"] for month in sorted(months)[:-1] for each in months[month].payload["links"]
        if each["link"] == link and each["cpu_per_1000"] is not None
    ]  # fmt: skip
    return median(found) if found else None


def quality_not_regressed(evidence: Evidence) -> Finding:
    """Monitoring 7: quality on rows that were served is measured, and a fall raises an alert or ends the service."""
    usecase = evidence.usecase
    metric = usecase.gate.metric
    found = [row for row in evidence.measured(metric) if row["measure"] == metric]
    if not found:
        return absent("The quality of what was served is not measured.", _monitor(evidence))
    wide = max(found, key=lambda row: int(row["window_days"]))
    alerts = [entry for entry in evidence.of("health") if entry.decision == "ALERT" and entry.subject == metric]
    rollbacks = [entry for entry in evidence.of("rollback") if entry.payload.get("is_automatic")]
    watched = usecase.monitoring.guard is not None or any(
        limit.measure == metric for limit in usecase.monitoring.limits
    )
    said = (
        f"{metric} of the {wide['window_days']} days up to {wide['partition']}: {float(wide['value']):.4f} on "
        f"{wide['rows']} rows; {counted(len(alerts), 'alert')} and {counted(len(rollbacks), 'rollback')} by the guard."
    )
    if not watched:
        return by_hand(f"{said} No limit or guard is declared for it.", "declare a guard", _health(evidence))
    return _by_health(evidence, said, [wide], *entry_links([*alerts, *rollbacks], 2))


def _by_health(evidence: Evidence, said: str, found: Sequence[Mapping[str, Any]], *besides: Link) -> Finding:
    """Return the finding on measures: automated, in red where one is beyond its limit and the ledger has the alert.

    A monitor that raises an alert does what it is for. What is beyond its limit and raised none is not watched.
    """
    alerting = [row for row in found if row["is_alert"]]
    if not alerting:
        return automated(said, _health(evidence), *besides)
    names = ", ".join(sorted({f"{row['measure']} {row['value_of']}".strip() for row in alerting})[:3])
    warning = f"Beyond its limit: {names}."
    days = {row["partition"] for row in alerting}
    told = [entry for entry in evidence.of("health") if entry.decision == "ALERT" and entry.partition in days]
    if not told:
        return absent(said, "look at the month's report: nobody was told", _health(evidence), *besides, warning=warning)
    return automated(
        said, _health(evidence), *entry_links(told, 2), *besides, warning=f"{warning} The alert is entered."
    )


def _health(evidence: Evidence) -> Link:
    on_disk = evidence.tables.get("health")
    version = None if on_disk is None else on_disk.version
    return table_link(evidence.usecase.name, "health", version, "measures of the newest day")


def _monitor(evidence: Evidence) -> str:
    return f"catena airflow dags trigger {evidence.usecase.name}.monitor"

"""All that is known of one run as one file, to be kept or read elsewhere: its weights leave by `exporting`."""

import io
import zipfile

from service import diagnostics
from service.analysis import epoch_table, findings
from service.domain.curves import FindingList
from service.domain.note import MOST_NOTES
from service.domain.record import Record
from service.storage import Database, evaluations, experiments, history, metrics, notes

MOST_EVALUATIONS = 10_000
_NO_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file knows: the same facts are the same bytes."""


def archive(database: Database, experiment_id: str) -> bytes:
    """A zip file of what is stored at this moment; `NotFoundError` where there is no such experiment.

    Each file is named after the path below `/v1/experiments/{id}` that answers the same.
    """
    with database.reading() as session:
        experiment = experiments.get(session, experiment_id)
        epochs = metrics.epochs(session, experiment_id)
        records: dict[str, Record] = {
            "experiment": experiment,
            "diagnostics": diagnostics.of(session, experiment_id),
            "evaluations": evaluations.listing(session, experiment_id, limit=MOST_EVALUATIONS),
            "history": history.of(session, experiment_id),
            "notes": notes.page(session, experiment_id, limit=MOST_NOTES),
        }
    said = findings.comment(experiment, epochs)
    records["findings"] = FindingList(experiment_id=experiment_id, state=experiment.state, items=said)
    texts = {f"{name}.json": record.model_dump_json(indent=2) + "\n" for name, record in sorted(records.items())}
    return _zipped(texts | {"metrics.csv": epoch_table.as_csv(epochs)})


def _zipped(texts: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression=zipfile.ZIP_DEFLATED) as file:
        for name, text in texts.items():
            facts = zipfile.ZipInfo(name, date_time=_NO_DATE)
            facts.compress_type, facts.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            file.writestr(facts, text)
    return content.getvalue()

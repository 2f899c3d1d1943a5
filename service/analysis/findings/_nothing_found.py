"""What is said where no rule finds a problem: that there is none, or that nobody could know yet."""

from service.analysis.findings._curves import Curves
from service.analysis.findings._facts import Facts
from service.analysis.words import best_of, count, number, percent, remark
from service.domain.curves import Evidence, Finding, Severity
from service.domain.experiment import State

FEWEST_EPOCHS = 5
"""Below this, a curve has not enough points to tell a trend from chance."""


def find(curves: Curves, facts: Facts) -> Finding:
    """`too_few_epochs` or `no_problem`, both of severity `info`."""
    seen = curves.finite
    if len(seen) == 0:
        return _without_an_epoch(curves, facts)
    evidence: Evidence = {
        "epochs": len(seen),
        "train_loss_first": float(seen.train_loss[0]),
        "train_loss_last": float(seen.train_loss[-1]),
        "val_loss_last": float(seen.val_loss[-1]),
        "val_accuracy_last": float(seen.val_accuracy[-1]),
        "best_epoch": None if facts.best is None else facts.best.epoch,
        "val_accuracy_best": None if facts.best is None else facts.best.val_accuracy,
        "chance_accuracy": facts.chance_accuracy,
        "fewest_epochs": FEWEST_EPOCHS,
    }
    last = percent(float(seen.val_accuracy[-1]))
    if len(seen) < FEWEST_EPOCHS:
        return Finding(
            kind="too_few_epochs",
            severity=Severity.INFO,
            epochs=seen.span,
            evidence=evidence,
            text=remark(
                en="{epochs} of the {fewest} epochs that it takes to speak of a trend: nothing can be said of the shape"
                " of these curves{yet}. Validation accuracy is {last}; guessing would give {chance}.",
                fr="{epochs} des {fewest} époques qu'il faut pour parler d'une tendance : on ne peut rien dire"
                " {yet_fr}de la forme de ces courbes. L'exactitude en validation est de {last} ; le hasard donnerait"
                " {chance}.",
                epochs=count(len(seen)),
                fewest=count(FEWEST_EPOCHS),
                yet="" if facts.state.ended else " yet",
                yet_fr="" if facts.state.ended else "encore ",
                last=last,
                chance=percent(facts.chance_accuracy),
            ),
        )
    return Finding(
        kind="no_problem",
        severity=Severity.INFO,
        epochs=seen.span,
        evidence=evidence,
        text=remark(
            en="No problem found{until}: over {epochs} epochs the training loss goes from {first} to {train},"
            " validation ends with a loss of {val} and an accuracy of {last}{best}.",
            fr="Aucun problème repéré{until_fr} : en {epochs} époques, la perte d'apprentissage passe de {first} à"
            " {train} ; la validation finit avec une perte de {val} et une exactitude de {last}{best}.",
            until="" if facts.state.ended else " so far",
            until_fr="" if facts.state.ended else " jusqu'ici",
            epochs=count(len(seen)),
            first=number(float(seen.train_loss[0])),
            train=number(float(seen.train_loss[-1])),
            val=number(float(seen.val_loss[-1])),
            last=last,
            best=best_of(facts.best),
        ),
    )


_STATES = {
    State.QUEUED: ("it waits in the queue", "elle attend dans la file"),
    State.RUNNING: ("its first epoch is under way", "sa première époque est en cours"),
    State.COMPLETED: ("it is completed", "elle est terminée"),
    State.FAILED: ("it failed before the end of the first", "elle a échoué avant la fin de la première"),
    State.CANCELLED: (
        "it was cancelled before the end of the first",
        "elle a été annulée avant la fin de la première",
    ),
}


def _without_an_epoch(curves: Curves, facts: Facts) -> Finding:
    why, why_fr = _STATES[facts.state]
    return Finding(
        kind="too_few_epochs",
        severity=Severity.INFO,
        epochs=curves.span,
        evidence={"epochs": 0, "fewest_epochs": FEWEST_EPOCHS, "state": facts.state.value},
        text=remark(
            en="There is no epoch with finite figures to comment on: {why}.",
            fr="L'expérience n'a aucune époque aux valeurs finies à commenter : {why_fr}.",
            why=why,
            why_fr=why_fr,
        ),
    )

"""The letters of a network's function in words: the ledger says them in English alone."""

import re

from service.domain.lab import Language

FRENCH = (
    (r"x: the image, (\d+)\*(\d+) standardised pixels", r"x : l'image, \1 × \2 pixels standardisés"),
    (r"(\w+): a matrix of (\d+)\*(\d+) weights", r"\1 : une matrice de \2 × \3 poids"),
    (r"; (\w+): (\d+) biases", r" ; \1 : \2 biais"),
    (r"(\w+): (\d+) kernels of (\d+)\*(\d+) on (\d+) map(s?)", r"\1 : \2 noyaux de \3 × \4 sur \5 carte\6"),
    (r", moved in steps of (\d+)", r", par pas de \1"),
    (r", over a border (?:padded by|of) (\w+)", r", avec un bord de \1"),
    (r"(\*\w*): the kernel laid on every place in turn", r"\1 : le noyau posé tour à tour à chaque place"),
    (r"(\*\w*): the kernel laid on places (\d+) apart", r"\1 : le noyau posé toutes les \2 places"),
    (r"products summed \(.*\)", r"les produits sommés (sans le retourner, comme il est d'usage)"),
    (r"the activation is z itself and is not written", r"l'activation est z elle-même et n'est pas écrite"),
    (
        r"the probability of class k; it is part of the loss, and z, the logits, is what the network itself gives",
        r"la probabilité de la classe k ; elle fait partie de la perte, et z, les logits, est ce que donne le réseau",
    ),
    (r"(\w+)\(z\): the largest of each window of (\d+)\*(\d+)", r"\1(z) : le plus grand de chaque fenêtre de \2 × \3"),
    (r"(\w+)\(z\): the mean of each window of (\d+)\*(\d+)", r"\1(z) : la moyenne de chaque fenêtre de \2 × \3"),
    (
        r"(\w+)\(z\): all values one after another as one vector",
        r"\1(z) : toutes les valeurs à la suite, en un vecteur",
    ),
    (
        r": in training each value is 0 with probability (\d)\.?(\d*) and divided by (\d)\.?(\d*) otherwise",
        r" : à l'apprentissage chaque valeur est nulle avec probabilité \1,\2 et divisée par \3,\4 sinon",
    ),
    (r"; after it, z itself", r" ; ensuite, z elle-même"),
    (
        r" for each unit or map, in training with mean and variance of the batch",
        r" pour chaque unité ou carte, à l'apprentissage avec la moyenne (mean) et la variance du lot",
    ),
    (r", after it with those gathered", r", ensuite avec celles qui ont été recueillies"),
    (r" if (.+?), else ", r" si \1, sinon "),
)


def said(text: str, language: Language) -> str:
    """What a letter stands for; a sentence that is not known here stays in English."""
    if language == "fr":
        for pattern, french in FRENCH:
            text = re.sub(pattern, french, text)
    return re.sub(r"(?<=\d)\*(?=\d)", " × ", text)

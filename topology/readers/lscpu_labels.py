"""The names of lscpu's fields in other languages.

They come from the translations of util-linux 2.38, and from older output. Labels that a
translation leaves in English, such as most Russian ones, are not listed. `%d` is the number of a
NUMA node.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("NO", "YES", "english", "language_of")

YES = frozenset({"yes", "y", "true", "1", "ja", "j", "oui", "o", "si", "sí", "s", "是", "да", "д"})
"""Words for yes in the column ONLINE, in any of the languages."""

NO = frozenset({"no", "n", "false", "0", "nein", "non", "否", "нет", "н"})
"""Words for no."""

_COLONS = " :\uff1a\ufe30"
"""Latin and Chinese colons, and one that a translation uses by mistake."""

LABELS: dict[str, dict[str, tuple[str, ...]]] = {
    "de": {
        "architecture": ("Architektur",),
        "on-line cpu(s) list": ("Liste der Online-CPU(s)",),
        "on-line cpu(s) mask": ("Maske der Online-CPU(s)",),
        "off-line cpu(s) list": ("Liste der Offline-CPU(s)",),
        "off-line cpu(s) mask": ("Maske der Offline-CPU(s)",),
        "thread(s) per core": ("Thread(s) pro Kern",),
        "core(s) per socket": ("Kern(e) pro Sockel", "Kern(e) pro Socket"),
        "core(s) per cluster": ("Kern(e) pro Cluster",),
        "cluster(s)": ("Cluster",),
        "socket(s)": ("Sockel",),
        "socket(s) per book": ("Sockel pro Buch",),
        "book(s)": ("Buch/Bücher",),
        "book(s) per drawer": ("Buch/Bücher pro Schublade",),
        "drawer(s)": ("Schublade(n)",),
        "numa node(s)": ("NUMA-Knoten",),
        "numa node%d cpu(s)": ("NUMA-Knoten%d CPU(s)",),
        "model name": ("Modellname",),
    },
    "fr": {
        "cpu(s)": ("Processeur(s)",),
        "on-line cpu(s) list": ("Liste de processeur(s) en ligne",),
        "on-line cpu(s) mask": ("Masque de processeur(s) en ligne",),
        "off-line cpu(s) list": ("Liste de processeur(s) hors ligne",),
        "off-line cpu(s) mask": ("Masque de processeur(s) hors ligne",),
        "thread(s) per core": ("Thread(s) par cœur", "Thread(s) par coeur"),
        "core(s) per socket": ("Cœur(s) par socket", "Coeur(s) par support CPU"),
        "core(s) per cluster": ("Cœur(s) par cluster",),
        "socket(s) per book": ("Socket(s) par livre",),
        "book(s)": ("Livre(s)",),
        "book(s) per drawer": ("Livre(s) par tiroir",),
        "drawer(s)": ("Tiroir(s)",),
        "numa node(s)": ("Nœud(s) NUMA",),
        "numa node%d cpu(s)": ("Nœud NUMA %d de processeur(s)",),
        "model name": ("Nom de modèle",),
    },
    "es": {
        "architecture": ("Arquitectura",),
        "on-line cpu(s) list": ("Lista de la(s) CPU(s) en línea",),
        "on-line cpu(s) mask": ("Máscara de la(s) CPU(s) en línea",),
        "off-line cpu(s) list": ("Lista de la(s) CPU(s) fuera de línea",),
        "off-line cpu(s) mask": ("Máscara de la(s) CPU(s) fuera de línea",),
        "thread(s) per core": ("Hilo(s) de procesamiento por núcleo",),
        "core(s) per socket": ("Núcleo(s) por «socket»",),
        "core(s) per cluster": ("Núcleo(s) por «cluster»",),
        "cluster(s)": ("«Cluster(s)»",),
        "socket(s)": ("«Socket(s)»",),
        "socket(s) per book": ("«Socket(s)» por libro",),
        "book(s)": ("Libro(s)",),
        "book(s) per drawer": ("Libro(s) por cajón",),
        "drawer(s)": ("Cajón(es)",),
        "numa node(s)": ("Modo(s) NUMA",),
        "numa node%d cpu(s)": ("CPU(s) del nodo NUMA %d",),
        "model name": ("Nombre del modelo",),
    },
    "ru": {
        "architecture": ("Архитектура",),
        "thread(s) per core": ("Потоков на ядро",),
        "core(s) per socket": ("Ядер на сокет",),
        "socket(s)": ("Сокетов",),
        "model name": ("Имя модели",),
    },
    "zh": {
        "architecture": ("架构", "架構"),
        "cpu(s)": ("CPU",),
        "on-line cpu(s) list": ("在线 CPU 列表",),
        "on-line cpu(s) mask": ("在线 CPU 掩码",),
        "off-line cpu(s) list": ("离线 CPU 列表",),
        "off-line cpu(s) mask": ("离线 CPU 掩码",),
        "thread(s) per core": ("每个核的线程数", "每核心執行緒數"),
        "core(s) per socket": ("每个座的核数", "每通訊端核心數"),
        "socket(s)": ("座",),
        "socket(s) per book": ("每个 book 的座数",),
        "book(s)": ("Book",),
        "book(s) per drawer": ("每个抽屉里的 Book 数",),
        "drawer(s)": ("抽屉",),
        "numa node(s)": ("NUMA 节点", "NUMA 節點"),
        "numa node%d cpu(s)": ("NUMA 节点%d CPU",),
        "model name": ("型号名称",),
    },
    "ja": {
        "architecture": ("アーキテクチャ",),
        "cpu(s)": ("CPU",),
        "on-line cpu(s) list": ("オンラインになっている CPU のリスト",),
        "on-line cpu(s) mask": ("オンラインになっている CPU のマスク",),
        "off-line cpu(s) list": ("オフラインになっている CPU のリスト",),
        "off-line cpu(s) mask": ("オフラインになっている CPU のマスク",),
        "thread(s) per core": ("コアあたりのスレッド数",),
        "core(s) per socket": ("ソケットあたりのコア数",),
        "socket(s)": ("ソケット数",),
        "socket(s) per book": ("ブックあたりのソケット数",),
        "book(s)": ("ブック数",),
        "numa node(s)": ("NUMA ノード数", "NUMA ノード"),
        "numa node%d cpu(s)": ("NUMA ノード %d CPU",),
        "model name": ("モデル名",),
    },
}
"""Language -> field in English, lower case -> its labels."""


def language_of(labels: Iterable[str]) -> str | None:
    """Give the language of most of the labels; None if none of them is translated."""
    folded = {_folded(label) for label in labels}
    known = {
        language: sum(1 for label in folded if pattern.fullmatch(label))
        for language, pattern in _patterns().items()
    }
    best = max(known, key=lambda language: known[language])
    return best if known[best] else None


def english(label: str, language: str | None) -> str:
    """Give the field of a label, in English and lower case; other labels are not changed."""
    plain = " ".join(label.split()).rstrip(_COLONS).lower()
    if language is None:
        return plain
    folded = _folded(label)
    for shape, field in _fields(language).items():
        match = shape.fullmatch(folded)
        if match:
            return field.replace("%d", match[1]) if match.groups() else field
    return plain


def _folded(label: str) -> str:
    """Normalise a label: case, spaces and quotes differ between versions and pastes."""
    return re.sub(rf"[\s{_COLONS}«»\"']", "", label).casefold()


@cache
def _fields(language: str) -> Mapping[re.Pattern[str], str]:
    return {
        re.compile(re.escape(_folded(label)).replace("%d", r"([0-9]{1,9})")): field
        for field, labels in LABELS[language].items()
        for label in labels
    }


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    """Give one pattern for all labels of a language."""
    return {
        language: re.compile("|".join(shape.pattern for shape in _fields(language)))
        for language in LABELS
    }

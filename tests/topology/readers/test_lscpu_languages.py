# ruff: noqa: RUF001 (the letters are what this is about)
"""Summaries of lscpu in other languages, put together from the labels that its versions print."""

from __future__ import annotations

import json

import pytest

import rssbound
from rssbound.errors import InputError

DE = """Architektur:                x86_64
  CPU Operationsmodus:      32-bit, 64-bit
CPU(s):                     8
  Liste der Online-CPU(s):  0-6
  Liste der Offline-CPU(s): 7
  Modellname:               Some CPU
    Thread(s) pro Kern:     2
    Kern(e) pro Sockel:     2
    Sockel:                 2
  Skalierung der CPU(s):    95%
NUMA:
  NUMA-Knoten:              2
  NUMA-Knoten0 CPU(s):      0-1,4-5
  NUMA-Knoten1 CPU(s):      2-3,6
"""
FR = """Architecture\u00a0:                          x86_64
Processeur(s)\u00a0:                         8
Liste de processeur(s) en ligne\u00a0:       0-6
Liste de processeur(s) hors ligne\u00a0:     7
Thread(s) par cœur\u00a0:                    2
Cœur(s) par socket\u00a0:                    2
Socket(s)\u00a0:                             2
Nœud(s) NUMA\u00a0:                          2
Nom de modèle\u00a0:                         Some CPU
Nœud NUMA\u00a00 de processeur(s)\u00a0:         0-1,4-5
Nœud NUMA\u00a01 de processeur(s)\u00a0:         2-3,6
"""
ES = """Arquitectura:                        x86_64
CPU(s):                              8
Lista de la(s) CPU(s) en línea:      0-6
Lista de la(s) CPU(s) fuera de línea 7
Hilo(s) de procesamiento por núcleo: 2
Núcleo(s) por «socket»:              2
«Socket(s)»                          2
Modo(s) NUMA:                        2
Nombre del modelo:                   Some CPU
CPU(s) del nodo NUMA 0:              0-1,4-5
CPU(s) del nodo NUMA 1:              2-3,6
"""
RU = """Архитектура:                             x86_64
Порядок байт:                            Little Endian
CPU(s):                                  8
On-line CPU(s) list:                     0-6
Off-line CPU(s) list:                    7
Имя модели:                              Some CPU
Потоков на ядро:                         2
Ядер на сокет:                           2
Сокетов:                                 2
NUMA node(s):                            2
NUMA node0 CPU(s):                       0-1,4-5
NUMA node1 CPU(s):                       2-3,6
"""
ZH = """架构：                           x86_64
CPU:                             8
在线 CPU 列表：                  0-6
离线 CPU 列表：                  7
每个核的线程数：                 2
每个座的核数：                   2
座：                             2
NUMA 节点：                      2
型号名称：                       Some CPU
NUMA 节点0 CPU：                 0-1,4-5
NUMA 节点1 CPU：                 2-3,6
"""
JA = """アーキテクチャ:                        x86_64
CPU:                                   8
  オンラインになっている CPU のリスト: 0-6
  オフラインになっている CPU のリスト: 7
  モデル名:                            Some CPU
    コアあたりのスレッド数:            2
    ソケットあたりのコア数:            2
    ソケット数:                        2
NUMA:
  NUMA ノード数:                       2
  NUMA ノード 0 CPU:                   0-1,4-5
  NUMA ノード 1 CPU:                   2-3,6
"""
OLD_DE = DE.replace("pro Sockel", "pro Socket").replace("Sockel:   ", "Socket(s):")
OLD_FR = (
    FR.replace("Thread(s) par cœur\u00a0:", "Thread(s) par coeur : ")
    .replace("Cœur(s) par socket\u00a0", "Coeur(s) par support CPU ")
    .replace("\u00a0", " ")
)
OLD_JA = (
    JA.replace("ソケット数: ", "Socket(s):")
    .replace("NUMA ノード数", "NUMAノード")
    .replace("オンラインになっている CPU のリスト", "On-line CPU(s) list")
    .replace("CPU:       ", "CPU(s):    ", 1)
)
ALL = {
    "de": DE,
    "fr": FR,
    "es": ES,
    "ru": RU,
    "zh": ZH,
    "ja": JA,
    "old de": OLD_DE,
    "old fr": OLD_FR,
    "old ja": OLD_JA,
}


@pytest.mark.parametrize("language", ALL)
def test_a_localized_summary_reads_as_the_english_one(language, on_disk):
    host = rssbound.read(on_disk(ALL[language]))

    assert (str(host.possible), str(host.online)) == ("0-7", "0-6")
    assert {str(cpus) for cpus in host.groups("package").values()} == {"0-1,4-5", "2-3,6-7"}
    assert host.count("core") == 4
    assert [(node.id, str(node.cpus)) for node in host.nodes] == [(0, "0-1,4-5"), (1, "2-3,6")]
    assert host.name == "Some CPU"


@pytest.mark.parametrize("language", ["de", "fr", "es", "ru", "zh", "ja"])
def test_localized_json_reads_as_the_english_one(language, on_disk):
    lines = [
        line.replace("Some CPU", "Some-CPU").rsplit(" ", 1) for line in ALL[language].splitlines()
    ]
    fields = [(name.strip(), value) for name, value in (line for line in lines if len(line) > 1)]
    document = {"lscpu": [{"field": name, "data": value} for name, value in fields]}
    host = rssbound.read(on_disk(json.dumps(document, ensure_ascii=False)))

    assert (str(host.online), host.numa_nodes, host.count("core")) == ("0-6", 2, 4)


@pytest.mark.parametrize(
    "word", ["ja nein", "oui non", "si no", "да нет", "是 否", "Y N", "yes no"]
)
def test_the_column_online_may_say_yes_and_no_in_another_language(word, on_disk):
    yes, no = word.split()
    host = rssbound.read(on_disk(f"CPU CORE ONLINE\n0 0 {yes}\n1 1 {no}\n"))

    assert str(host.online) == "0"


def test_an_unsupported_language_is_a_one_line_error(on_disk):
    rows = "".join(f"{cpu} {cpu} ნამდვილად\n" for cpu in range(30))
    with pytest.raises(InputError) as error:
        rssbound.read(on_disk(f"CPU CORE ONLINE\n{rows}"))

    (fault,) = error.value.faults
    assert 'line 2.online: "ნამდვილად"; yes or no is expected (run lscpu with LC_ALL=C)' in fault


def test_a_summary_in_a_language_that_is_not_read_says_how_to_get_one(on_disk):
    text = "Architectuur:      x86_64\nCPU's:      8\nDraden per kern:   2\nNUMA-nodes:   1\n"
    with pytest.raises(InputError) as error:
        rssbound.read(on_disk(text))

    (fault,) = error.value.faults
    assert "lscpu output in another language" in fault
    assert "run `LC_ALL=C lscpu -J -e`" in fault

"""Label strings of the Kafka series, escaped once per topology and put together per sample.

Labels are written in alphabetical order, as danielqsj's exporter does. All series about topics
and groups are ``{constant…,consumergroup,constant…,partition,constant…,topic,constant…}`` with
some of these left out, so a label string is a head (up to ``partition``) and a tail (from there
on), and the tails of all partitions are kept.
"""

from collections.abc import Mapping

from kafkascope_exporter.model import GroupId, PartitionId, TopicName, Topology

_CUT = "partition"


def escape(value: str) -> str:
    r"""Give ``value`` as it is written between the quotes of a label.

    A lone surrogate, which UTF-8 cannot hold, is written as its Python escape: ``\udcff``.
    """
    if not value.isascii():
        value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class Labels:
    """The label strings of one cluster.

    Args:
        topology: whose partitions the tails are for.
        constant: labels that every series carries (``--kafka.labels``).
    """

    def __init__(self, topology: Topology, constant: Mapping[str, str]) -> None:
        self.topology = topology
        self._constant = constant
        self._before = {name: value for name, value in constant.items() if name < _CUT}
        after = {name: value for name, value in constant.items() if name > _CUT}
        self.no_group = "{" + "".join(f"{pair}," for pair in _pairs(self._before))
        self.topics: Mapping[TopicName, str] = {
            name: f"{','.join(_pairs(after | {'topic': name}))}}} " for name in topology.topics
        }
        self.partitions: Mapping[TopicName, Mapping[PartitionId, str]] = {
            name: {p.id: f'partition="{p.id}",{self.topics[name]}' for p in topic.partitions}
            for name, topic in topology.topics.items()
        }

    def group(self, group_id: GroupId) -> str:
        """Give the head for series of a group; ends before ``partition`` or ``topic``."""
        pairs = _pairs(self._before | {"consumergroup": group_id})
        return "{" + "".join(f"{pair}," for pair in pairs)

    def of(self, **labels: str) -> str:
        """Give the whole label string of a series that is not about a topic."""
        pairs = _pairs({**self._constant, **labels})
        return f"{{{','.join(pairs)}}} " if pairs else " "


def _pairs(labels: Mapping[str, str]) -> list[str]:
    return [f'{name}="{escape(value)}"' for name, value in sorted(labels.items())]

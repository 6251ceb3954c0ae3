"""How a session gets from the destination to the host on which Jupyter runs: all that the core knows of it. Pure.

`Way` is the straight one: Jupyter runs on the destination itself. A wing's subclass says what is different.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# What tells the sshd at the end of a hop from that of the destination, whose options the aliases have as well; and
# what a key of the profile's own needs. In NAME-nb these come first, and ssh takes the first that it sees.
_HOP_KEYWORDS = frozenset((
    "proxycommand", "proxyjump", "hostkeyalias", "userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking",
    "updatehostkeys", "verifyhostkeydns", "checkhostip", "connecttimeout", "loglevel",
))  # fmt: skip
_KEY_KEYWORDS = frozenset((
    "identityfile", "identitiesonly", "identityagent", "preferredauthentications", "pubkeyauthentication",
))  # fmt: skip


class Login(NamedTuple):
    """What a way's ProxyCommand starts with: `words` log in to the destination; `script` is below the program there.

    `persists`: the alias has a ControlPersist.
    """

    words: Sequence[str]
    program: str
    name: str
    persists: bool


class Way:
    """The straight way: sessions end at the destination."""

    leads_on: ClassVar[bool] = False
    """Sessions end on another host than the destination, and not always on the same one."""
    part: ClassVar[str] = ""
    """The folder of templates/, and of the program on a host, that holds this way's part of the program."""

    scratch: ClassVar[str] = ""
    """What `find` leaves in a profile's folder on its host."""

    @property
    def own_key(self) -> bool:
        """Sessions come in with the profile's own ssh key instead of the user's."""
        return False

    @property
    def key_alone(self) -> bool:
        """They come in with no other; otherwise it is not known yet which one opens."""
        return self.own_key

    @property
    def options(self) -> list[str]:
        """What the profile says in words of the way's own."""
        return []

    def proxy(self, login: Login) -> list[str]:  # noqa: ARG002  a subclass uses it
        """Return the words of the ProxyCommand; none where ssh connects by itself."""
        return []

    def joining(self, login: Login, *, submits: bool) -> list[str]:  # noqa: ARG002  a subclass uses them
        """Return the words of the ProxyCommand of NAME-node, which joins what runs; none where there is no such alias.

        `submits`: where nothing runs and there is a terminal, it starts it.
        """
        return []

    def submitting(self, options: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG002  a subclass uses them
        """Return script and words by which the job is submitted with further options, for once; none without jobs."""
        return ()

    def taking(self, job: str) -> tuple[str, ...]:  # noqa: ARG002  a subclass uses it
        """Return script and words by which Jupyter is started in a job that the user has; none without jobs."""
        return ()

    @property
    def unseen_via(self) -> str:
        """What `via` is for a host that nobody looked at; empty where there is none."""
        return ""

    def carried_keys(self, key: str, public: str, opens: str) -> list[tuple[str, str]]:  # noqa: ARG002  as above
        """Return files of a profile's folder, as (name, text), that let sessions in on a host nobody looked at.

        `key` and `public` are the two halves of a new host key, `opens` the line of the profile's own key.
        """
        return []

    def settings(self) -> list[tuple[str, str]]:
        """Return the lines that the program on a host reads of it, as key and value."""
        return []

    def removing(self) -> str:
        """Return the shell parts that the script which removes a profile needs for it."""
        return ""

    def keywords(self) -> frozenset[str]:
        """Return the keywords, in lower case, in which NAME-nb differs from the destination on purpose."""
        if not self.leads_on:
            return frozenset()
        return _HOP_KEYWORDS | _KEY_KEYWORDS if self.own_key else _HOP_KEYWORDS


STRAIGHT = Way()


def host_key_alias(name: str) -> str:
    """Return the name under which the keys of all hosts at the end of a profile's hop are known."""
    return f"nbssh-{name}"


def known_hosts(name: str, keys: Sequence[str]) -> str:
    """Return the known_hosts file of a profile: the keys of those hosts."""
    return "".join(f"{host_key_alias(name)} {key}\n" for key in keys)

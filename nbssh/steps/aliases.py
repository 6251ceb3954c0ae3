"""The directives of a profile's aliases, found by asking the user's own ssh.

A candidate is tried before it is installed.
"""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.files import writer
from nbssh.adapters.ssh.client import forget_answers
from nbssh.adapters.ssh.disk import SshDisk
from nbssh.core.files import carried, laptop_files
from nbssh.core.profile.profile import alias as nb_alias
from nbssh.core.profile.profile import kill_alias
from nbssh.core.ssh import alias, answer, moment
from nbssh.core.ssh.destination import parse
from nbssh.core.ssh.moment import MatchBlock
from nbssh.errors import NbsshError
from nbssh.steps import own_block, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbssh.adapters.ssh.client import Ssh
    from nbssh.core.profile.profile import Profile
    from nbssh.core.ssh.alias import Derived, Directive
    from nbssh.core.ssh.moment import Condition, Criteria, Settled
    from nbssh.steps.profiles import Target


def local_files(target: Target) -> laptop_files.Local:
    """Return the local paths that its blocks speak of."""
    name, paths = target.name, target.paths
    return laptop_files.Local(
        conf=str(paths.conf(name)),
        opener=str(paths.opener),
        control_socket=str(paths.control_socket(name)),
        node_socket=str(paths.node_socket(name)),
        redirect=str(paths.redirect(name)),
        known_hosts=str(paths.known_hosts(name)),
        key=str(paths.key(name)),
        ssh=target.ssh.command,
        client=paths.system.client_of(target.ssh.version),
    )


class _Trial:
    """The user's config without our installed files, in a folder where candidates are tried on top of it.

    It is read once for all profiles, and each destination is asked for once: otherwise the time for n profiles would
    grow with n squared. Candidates of different profiles may be tried at the same time. `answers` settle what it
    decides at each connection.
    """

    def __init__(self, ssh: Ssh, answers: Settled) -> None:
        self.ssh = ssh
        self.folder = Path(tempfile.mkdtemp(prefix="nbssh-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._rest = ssh.config_without_ours(self.folder, answers)
        _, self._plain = self._files("none")
        self._destinations: dict[tuple[str, ...], str] = {}
        self._candidates: dict[str, tuple[Path, Path]] = {}
        self._said: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        self._settled: frozenset[str] | None = None
        self._match_lines: list[Criteria] | None = None

    def conditions(self, target: Target) -> list[Condition]:
        """Return what the config decides at each connection to the destination; it is parsed once for all."""
        if self._match_lines is None:
            path = self.ssh.config_file()
            config = (writer.read(path) if path else None) or b""
            self._match_lines = moment.match_lines(config, SshDisk.of(target.paths.home))
        return moment.conditions(self._match_lines, original_name(target.profile))

    def destination(self, target: Target, *options: str) -> str:
        """Return what `ssh -G`, with the `options`, says of the profile's destination.

        What is installed does not count here either: otherwise a file of ours that ssh refuses could not be mended.
        """
        arguments = (*options, *target.arguments)
        if arguments not in self._destinations:
            self._destinations[arguments] = self.ssh.resolve(arguments, config=self._plain)
        return self._destinations[arguments]

    def alias(self, name: str) -> Callable[[str, str], str]:
        """Return what tells `ssh -G ALIAS` for the text of a candidate of profile `name`."""
        include, config = self._candidates.get(name) or self._candidates.setdefault(
            name, self._files(f"profile-{name}")
        )

        def ask(alias: str, text: str) -> str:
            if (alias, text) not in self._said:
                include.write_bytes(text.encode("utf-8", "surrogateescape"))
                self._said[alias, text] = self.ssh.resolve([alias], config=config)
            return self._said[alias, text]

        return ask

    def settles(self, alias: str, target: Target) -> bool:
        """Tell whether the file of its profile says all that ssh reads of ours about an alias."""
        with self._lock:
            if self._settled is None:
                self._settled = standing.settled(target)
            return alias.lower() in self._settled

    def _files(self, name: str) -> tuple[Path, Path]:
        include, config = self.folder / f"{name}.conf", self.folder / f"{name}.config"
        for file in (include, config):
            file.touch(mode=0o600)  # ssh refuses an included file that others can write, whatever the umask
        config.write_bytes(f'Include "{self.ssh.system.with_slashes(include)}"\n'.encode() + self._rest)
        return include, config


_trials: dict[object, _Trial] = {}
_trials_lock = threading.Lock()


def _trial(ssh: Ssh, answers: Settled) -> _Trial:
    """Return the trial for the user's config as it is: a command may add its own Include to it."""
    with _trials_lock:
        path = ssh.config_file()
        key = (ssh, path and writer.read(path), frozenset(answers.items()))
        if key not in _trials:
            _trials[key] = _Trial(ssh, answers)
        return _trials[key]


def look_again() -> None:
    """Forget what ssh said: files that the user's config includes may be others by now."""
    with _trials_lock:
        _trials.clear()
    forget_answers()


def destination(target: Target) -> str:
    """Return what `ssh -G` says of its destination, without what is installed."""
    return _trial(target.ssh, {}).destination(target)


def derive(target: Target) -> Derived:
    """Return the directives that make its aliases behave as its destination does.

    They follow what the user's config decides at each connection: for each answer there are directives of its own.
    """
    followed, unexpressed = _followed(target)
    none = dict.fromkeys(followed, False)
    base = _derive(target, none, ())
    unexpressed += base.unexpressed
    blocks: list[MatchBlock] = []
    # the fewest first: what holds for fewer conditions stands below, and counts where nothing above says otherwise
    subsets = [subset for size in range(1, len(followed) + 1) for subset in itertools.combinations(followed, size)]
    for subset in subsets:
        below = [each for block in blocks if set(block.conditions) < set(subset) for each in block.directives]
        found = _derive(target, none | dict.fromkeys(subset, True), [*below, *base.directives])
        unexpressed += tuple(sentence for sentence in found.unexpressed if sentence not in unexpressed)
        # the host's name is always among them; what comes to the same from below is not written, and not asked for
        first: dict[str, str] = {}
        for keyword, argument in (*below, *base.directives):
            first.setdefault(keyword, argument)
        own = tuple((keyword, argument) for keyword, argument in found.directives if first.get(keyword) != argument)
        if own:
            blocks.insert(0, MatchBlock(subset, tuple(followed[each] for each in subset), own))
    return alias.Derived(base.directives, unexpressed, tuple(blocks))


def _followed(target: Target) -> tuple[dict[Condition, str], tuple[str, ...]]:
    """Return the conditions that its aliases follow, each with what they ask, and sentences for the others."""
    original = original_name(target.profile)
    found = _trial(target.ssh, {}).conditions(target)
    if not found:
        return {}, ()
    today = answer.parsed(_trial(target.ssh, dict.fromkeys(found, False)).destination(target))
    tokens = {token: today[keyword][0] for token, keyword in (("h", "hostname"), ("p", "port"), ("r", "user"))}
    tokens["n"] = original
    asked = {condition: condition.for_alias(tokens) for condition in found[: moment.MOST]}
    return {condition: str(ours) for condition, ours in asked.items() if ours}, tuple(
        f"'{condition}' is asked at each connection to {original}, but its answer of today stays"
        for condition in found
        if not asked.get(condition)
    )


def _derive(target: Target, answers: Settled, below: Sequence[Directive]) -> Derived:
    """Return the directives for these answers; `below` are those that stand below them.

    Every round is judged by the user's ssh reading the candidate blocks on top of her own config, so a candidate that
    ssh refuses never gets further than this.
    """
    name, profile, local, way = target.name, target.profile, local_files(target), target.way
    trial = _trial(target.ssh, answers)
    base, tried = trial.destination(target), trial.alias(name)

    # Where the way leads on, NAME-nb differs on purpose; the other alias goes where the destination does.
    judged = kill_alias(name) if way.leads_on else nb_alias(name)

    def ask(directives: Sequence[Directive], judged: str = judged) -> str:
        return tried(judged, laptop_files.ssh_config(name, profile, local, [*denied, *directives, *below], way))

    denials = alias.denials(base, profile.handed_over())
    denied = () if below else denials  # those below have them
    kept = [keyword.lower() for keyword, _ in denials]
    # Without a master our block keeps ssh silent about each failed look through the tunnel.
    own = kept if laptop_files.control_path(profile, local) else [*kept, "loglevel"]
    forwards, original = own_forwards(profile, local), original_name(profile)
    derived = alias.derive(
        base,
        original,
        judged,
        ask,
        own=kept if way.leads_on else own,
        forwards=forwards,
        names=_names(trial, target, base),
    )
    directives, unexpressed = (*denied, *derived.directives), derived.unexpressed
    hers = own_block.forwards(target, nb_alias(name)) if unexpressed or way.leads_on else ()
    if hers and not way.leads_on:
        said = ask(derived.directives)
        unexpressed = answer.differences(base, said, original, judged, own=own, forwards=[*forwards, *hers])
    if way.leads_on:
        said, nb = ask(derived.directives, nb_alias(name)), nb_alias(name)
        own = [*own, *way.keywords()]
        unexpressed += answer.differences(base, said, original, nb, own=own, forwards=[*forwards, *hers])
    return alias.Derived(directives, unexpressed)


def _names(trial: _Trial, target: Target, base: str) -> tuple[str, ...]:
    """Return the host's name as it is before ssh asks DNS for a canonical one, where it does that."""
    if answer.parsed(base).get("canonicalizehostname", ("false",)) in {("false",), ("no",)}:
        return ()
    return answer.parsed(trial.destination(target, "-oCanonicalizeHostname=no")).get("hostname", ())


def original_name(profile: Profile) -> str:
    """Return what `%n` means for the destination: the host as it is typed."""
    return parse(profile.destination).host


def own_forwards(profile: Profile, local: laptop_files.Local) -> list[str]:
    """Return our own forwards as `ssh -G` prints them, without the notebook's where the opener opens that."""
    more = [answer.printed_forward(f"127.0.0.1:{each.local}", each.far) for each in profile.alsos()]
    if laptop_files.is_opened_later(profile, local):
        return more
    return [answer.printed_forward(f"127.0.0.1:{profile.port}", laptop_files.far_end(profile)), *more]


def assumed(target: Target) -> Target:
    """Return the target with what `render`, where it made the files, took for granted of a host never looked at."""
    profile, home = target.profile, target.profile.carried
    if profile.server or not home:
        return target
    user = answer.parsed(destination(target)).get("user", ("",))[0]
    server = carried.unseen(target.name, profile, home.removeprefix("~"), user)
    server = msgspec.structs.replace(server, via=target.way.unseen_via)
    return target.with_profile(msgspec.structs.replace(profile, server=server))


def is_known(target: Target) -> bool:
    """Tell whether the user's ssh gives the alias our tunnel."""
    return has_tunnel(assumed(target), target.ssh.resolve([nb_alias(target.name)]))


def gives_tunnel(target: Target, text: str) -> bool:
    """Tell whether the user's ssh would give the alias our tunnel, if `text` was all that it reads of ours."""
    return has_tunnel(target, _trial(target.ssh, {}).alias(target.name)(nb_alias(target.name), text))


def says_all(target: Target) -> bool:
    """Tell whether the file of its profile says all that ssh reads of ours about the alias; one question for all."""
    return _trial(target.ssh, {}).settles(nb_alias(target.name), target)


def has_tunnel(target: Target, said: str) -> bool:
    """Tell whether what `ssh -G` said of the alias has our tunnel in it."""
    local = local_files(target)
    wanted = own_forwards(target.profile, local)
    if laptop_files.is_opened_later(target.profile, local):
        wanted.append(f"controlpath {laptop_files.control_path(target.profile, local)}")
    return set(wanted) <= set(answer.lines(said))


def refuse_unknown_alias(target: Target) -> None:
    """Raise unless the user's ssh gives the alias our tunnel."""
    if not is_known(target):
        name = target.name
        raise NbsshError(f"ssh does not know '{nb_alias(name)}' as nbssh made it", f"why: nbssh doctor {name}")

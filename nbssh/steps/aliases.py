"""The directives of a profile's aliases, found by asking the user's own ssh.

A candidate is tried before it is installed.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.ssh.client import RefusedConfigError
from nbssh.core.files import carried, laptop_files
from nbssh.core.profile.profile import alias as nb_alias
from nbssh.core.profile.profile import all_aliases, kill_alias
from nbssh.core.ssh import alias, answer, moment
from nbssh.core.ssh.moment import MatchBlock
from nbssh.errors import NbsshError
from nbssh.steps import candidates, own_block
from nbssh.steps.candidates import original_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbssh.core.profile.profile import Profile
    from nbssh.core.ssh.alias import Derived, Directive
    from nbssh.core.ssh.moment import Condition, Settled
    from nbssh.steps.candidates import Trial
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


def destination(target: Target) -> str:
    """Return what `ssh -G` says of its destination, without what is installed."""
    return candidates.of(target.ssh, {}).destination(target)


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


def follow_all(target: Target) -> bool:
    """Tell whether the config decides nothing for the aliases alone: what it does for the destination they follow."""
    trial = candidates.of(target.ssh, {})
    known = set(trial.conditions(target))
    return all(known.issuperset(trial.conditions(target, host)) for host in all_aliases(target.name, leads_on=True))


def _followed(target: Target) -> tuple[dict[Condition, str], tuple[str, ...]]:
    """Return the conditions that its aliases follow, each with what they ask, and sentences for the others."""
    original = original_name(target.profile)
    found = candidates.of(target.ssh, {}).conditions(target)
    if not found:
        return {}, ()
    today = answer.parsed(candidates.of(target.ssh, dict.fromkeys(found, False)).destination(target))
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
    trial = candidates.of(target.ssh, answers)
    base, tried = trial.destination(target), trial.alias(name)
    denials = alias.denials(base, profile.handed_over())
    denied = () if below else denials  # those below have them
    judged = _judged(target)

    def ask(directives: Sequence[Directive], alias: str = judged) -> str:
        return tried(alias, laptop_files.ssh_config(name, profile, local, [*denied, *directives, *below], way))

    derived = alias.derive(
        base,
        original_name(profile),
        judged,
        ask,
        own=_own(target, base, judged),
        forwards=own_forwards(profile, local),
        names=_names(trial, target, base),
    )
    unexpressed = _unexpressed(target, base, derived.unexpressed, lambda alias: ask(derived.directives, alias))
    return alias.Derived((*denied, *derived.directives), unexpressed)


def _judged(target: Target) -> str:
    """Return the alias that does what the destination does: where the way leads on, NAME-nb differs on purpose."""
    return kill_alias(target.name) if target.way.leads_on else nb_alias(target.name)


def _own(target: Target, base: str, nb: str) -> list[str]:
    """Return the keywords, lower-case, in which the alias `nb` may differ from the destination, which says `base`."""
    kept = [keyword.lower() for keyword, _ in alias.denials(base, target.profile.handed_over())]
    if nb != nb_alias(target.name):
        return kept
    # Without a master our block keeps ssh silent about each failed look through the tunnel.
    silent = not laptop_files.control_path(target.profile, local_files(target))
    return [*kept, *(["loglevel"] if silent else []), *(target.way.keywords() if target.way.leads_on else [])]


def _differences(target: Target, base: str, nb: str, said: str, hers: Sequence[str] = ()) -> tuple[str, ...]:
    """Return how the alias `nb`, of which ssh `said` this, differs from the destination; `hers` are wanted forwards."""
    profile, own = target.profile, _own(target, base, nb)
    forwards = [*own_forwards(profile, local_files(target)), *hers]
    return answer.differences(base, said, original_name(profile), nb, own=own, forwards=forwards)


def _unexpressed(target: Target, base: str, found: tuple[str, ...], said: Callable[[str], str]) -> tuple[str, ...]:
    """Return how the aliases, of which ssh `said` something, differ; `found` is how the one that is judged does."""
    nb, leads_on = nb_alias(target.name), target.way.leads_on
    hers = own_block.forwards(target, nb) if found or leads_on else ()
    if not hers and not leads_on:
        return found
    more = _differences(target, base, nb, said(nb), hers)
    return found + more if leads_on else more


def holds(target: Target, text: str) -> bool:
    """Tell whether ssh does for the aliases, by `text` and nothing else of ours, what it does for the destination."""
    trial, judged = candidates.of(target.ssh, {}), _judged(target)
    ask = trial.alias(target.name)
    try:
        base = trial.destination(target)
        found = _differences(target, base, judged, ask(judged, text))
        return gives_tunnel(target, text) and not _unexpressed(target, base, found, lambda alias: ask(alias, text))
    except RefusedConfigError:
        return False


def _names(trial: Trial, target: Target, base: str) -> tuple[str, ...]:
    """Return the host's name as it is before ssh asks DNS for a canonical one, where it does that."""
    if answer.parsed(base).get("canonicalizehostname", ("false",)) in {("false",), ("no",)}:
        return ()
    return answer.parsed(trial.destination(target, "-oCanonicalizeHostname=no")).get("hostname", ())


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
    return has_tunnel(target, candidates.of(target.ssh, {}).alias(target.name)(nb_alias(target.name), text))


def says_all(target: Target) -> bool:
    """Tell whether the file of its profile says all that ssh reads of ours about the alias; one question for all."""
    return candidates.of(target.ssh, {}).settles(nb_alias(target.name), target)


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

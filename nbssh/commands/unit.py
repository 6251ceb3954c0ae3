"""`nbssh unit`: a tunnel that comes back by itself after sleep and network changes, kept by systemd or launchd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.files import writer
from nbssh.core import answers
from nbssh.core.files import unit as core
from nbssh.core.files.change import Change, Kind, Plan
from nbssh.core.profile.profile import alias, check_name
from nbssh.errors import Exit, NbsshError
from nbssh.steps import aliases, connect, profiles, writing
from nbssh.steps import unit as units

if TYPE_CHECKING:
    from nbssh.steps.context import Context
    from nbssh.steps.profiles import Target

MODE = 0o600


def unit(context: Context, name: str, *, server: bool, install: bool, remove: bool) -> None:
    """Print the unit of `name`, or install it and start it, or end it and remove it; `server`: that on the host."""
    if install and remove:
        raise NbsshError("--install and --remove exclude each other", "leave one of them out", code=Exit.USAGE)
    if server:
        _on_host(profiles.load(context, name), install=install, remove=remove)
        return
    if remove:
        _remove(context, check_name(name))
        return
    target = profiles.load(context, name)
    _refuse_unattended(target)
    content = units.wanted(target)
    if install:
        aliases.refuse_unknown_alias(target)
        _install(target, content)
    else:
        context.ui.product(content.removesuffix("\n"))


def _refuse_unattended(target: Target) -> None:
    """Raise where nobody may log in again and again without the user."""
    name, server = target.name, connect.known_server(target)
    if not target.paths.system.client.multiplexes:
        raise NbsshError("nbssh unit is for systemd and launchd", f"leave a window open: ssh {alias(name)}")
    if server.prompts or server.sessions_ask:
        raise NbsshError(
            f"a login to '{target.profile.destination}' asks for something, and nobody would be there to answer",
            "use a key or an agent, then: nbssh apply --probe " + name,
        )
    if target.way.leads_on:
        raise NbsshError(
            f"'{name}' runs in jobs: each one that ends would be followed by another", f"ssh {alias(name)}"
        )


def _on_host(target: Target, *, install: bool, remove: bool) -> None:
    """Do it with the unit that starts Jupyter on its host."""
    name, host = target.name, connect.known_server(target).hostname
    if target.way.leads_on or target.profile.adopt:
        raise NbsshError(
            f"'{name}' runs in jobs" if target.way.leads_on else f"'{name}' uses the Jupyter that you start by hand",
            f"ssh {alias(name)}",
        )
    if not (install or remove):
        target.ui.product(core.host_text(target.declared).removesuffix("\n"))
        return
    with connect.connect(target) as there:
        out, _ = there.attempt(core.sent(target.declared, install=install))
    match answers.rows(out)[-1:]:
        case [["nbssh-done"]]:
            told = "starts Jupyter with the machine, and again when it dies" if install else "is removed"
            target.ui.say(f"{core.host_file(name)} on {host} {told}")
            if install:
                target.ui.say(f"its state, there: systemctl --user status {core.host_file(name)}")
        case [["nbssh-none"]]:
            target.ui.say(f"there is no unit of '{name}' on {host}")
        case [["nbssh-nosystemd"]]:
            raise NbsshError(f"no systemd runs on {host}", "its administrator can start Jupyter with it by other means")
        case [["nbssh-nolinger"]]:
            raise NbsshError(
                f"on {host} your own systemd ends when you log out, and you may not change that",
                f"its administrator can: loginctl enable-linger {connect.known_server(target).uid}",
            )
        case [["nbssh-failed", *words]]:
            raise NbsshError(f"on {host} this failed: {' '.join(words)}", "run it there: it says why")
        case _:
            raise NbsshError(f"{host} did not say what came of it", f"nbssh doctor {name}")


def _install(target: Target, content: str) -> None:
    context, name, file = target.context, target.name, target.paths.unit(target.name)
    old, mode = writer.snapshot(file)
    change = Change(str(file), old, content.encode(), MODE, mode, f"keeps the tunnel of '{name}' up", kind=Kind.OTHER)
    if Plan([change]).empty:
        context.ui.say(f"{context.paths.shown(file)} is already up to date")
    else:
        writing.write_local(context, Plan([change]))
        context.ui.say(f"{context.paths.shown(file)} is written")
    if failed := units.run(units.starting(context, name)):
        command, said = failed
        kept = old is not None
        if not kept:
            _take_away(context, name)
        raise NbsshError(
            f"it does not run, {'' if kept else 'and is not installed, '}because this failed: "
            f"{context.paths.system.spoken(command)}: {said}",
            f"leave a window open: ssh {alias(name)}",
        )
    if not units.opens(target):
        raise NbsshError(
            f"it was started, but no tunnel was open within {units.OPEN_SECONDS:.0f} s",
            f"see why: {units.log(context, name)}; or: ssh {alias(name)}",
        )
    context.ui.say(
        f"the tunnel of '{name}' is kept up; the page: nbssh open {name}; no more: nbssh unit {name} --remove"
    )


def _remove(context: Context, name: str) -> None:
    context.ui.say(f"the unit of '{name}' is removed" if _take_away(context, name) else f"there is no unit of '{name}'")


def _take_away(context: Context, name: str) -> bool:
    """End it and delete its file; tell whether there was one."""
    changes = units.removal(context, name)
    writing.write_local(context, Plan(changes))
    units.tidy(context, name)
    return bool(changes)

"""`nbssh render`: all that `add` would install, as files in a folder, to be carried over by hand. Contacts nobody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nbssh.adapters.files import tree
from nbssh.adapters.laptop import store
from nbssh.adapters.ssh import keygen
from nbssh.core.files import carried
from nbssh.core.files.carried import Carried
from nbssh.core.files.change import PRIVATE, Kind
from nbssh.core.profile.declared import Secret
from nbssh.core.profile.profile import alias, validated
from nbssh.core.server.values import is_server_path
from nbssh.core.ssh.recipe import parse_recipe
from nbssh.core.text import printable
from nbssh.errors import Exit, NbsshError
from nbssh.steps import aliases, candidates, include, plan, profiles
from nbssh.steps.profiles import Target
from nbssh.steps.request import named, profile_of
from nbssh.steps.secret import new_secret, with_key

if TYPE_CHECKING:
    from nbssh.steps.context import Context
    from nbssh.steps.request import Wish


def render(context: Context, wish: Wish, *, to: str, home: str) -> None:
    """Write the files of a profile below `to`, which must be empty or not there; `home` is that on the host."""
    candidates.look_again()
    folder = Path(to).absolute()
    tree.refuse_used(folder)
    if home and not is_server_path(home):
        raise NbsshError(
            f"--home {printable(home, 60)} is no absolute path of plain characters",
            "only letters, digits and . _ / @ + , = - are accepted there", code=Exit.USAGE,
        )  # fmt: skip
    wish = named(context, wish)
    target = with_key(_target(context, wish))
    include.refuse_taken_aliases(context, wish.name, leads_on=target.way.leads_on)
    seen, keys = target.profile.server is not None, list[Carried]()
    if not seen:
        target, keys = _unseen(target, home.rstrip("/"))
    files = [("laptop", *each) for each in _on_laptop(target, seen=seen)]
    files += [("server", *each) for each in (*carried.on_server(target.declared), *keys)]
    text = carried.readme(target.declared, str(target.paths.home), seen=seen)
    files.append(("", "README", text.encode(), PRIVATE))
    tree.write(folder, [(f"{side}/{path}" if side else path, data, mode) for side, path, data, mode in files])
    context.ui.say(f"{len(files)} files in {folder}; its README says where they go; then: ssh {alias(wish.name)}")


def _target(context: Context, wish: Wish) -> Target:
    """Return the profile with its secret, and with what is known of its host if that was looked at for just this."""
    name, stored = wish.name, None
    if name in profiles.names(context):
        stored = profiles.load(context, name)
        wish = msgspec.structs.replace(wish, destination=wish.destination or stored.profile.destination)
    if stored and not wish.said and wish.destination == stored.profile.destination:
        profile = stored.profile
    else:
        profile = profile_of(context, wish, parse_recipe(wish.destination or name))
        if stored and not wish.port:
            profile = msgspec.structs.replace(profile, port=stored.profile.port)
    secret = stored.secret if stored else Secret()
    if wish.token or wish.password_stdin or not (secret.hash or secret.token):
        fresh = new_secret(context.ui, name, token=wish.token, password_stdin=wish.password_stdin)
        secret = msgspec.structs.replace(secret, hash=fresh.hash, token=fresh.token)
    server = stored.profile.server if stored else None
    if server and server.probed_for != profile.fingerprint():
        server = None
    profile = msgspec.structs.replace(profile, server=server, auth="token" if secret.token else "password")
    return Target(context, name, profile, secret)


def _unseen(target: Target, home: str) -> tuple[Target, list[Carried]]:
    """Return the target with what is taken for granted of a host that nobody looked at, and keys for it."""
    name, profile, way = target.name, target.profile, target.way
    if profile.forward == "socket" and not home:
        raise NbsshError("--forward socket needs the home on the host, which nobody asks", "say --home /home/you")
    public, files = "", list[tuple[str, str]]()
    if way.leads_on:
        key, public = keygen.generate(f"nbssh {name}")
        files = way.carried_keys(key, public, target.secret.public_key)
    host_keys = [" ".join(public.split()[:2])] if public else []
    target = aliases.assumed(target.with_profile(msgspec.structs.replace(profile, carried=home or "~")))
    server = msgspec.structs.replace(target.declared.server, host_keys=host_keys)
    profile = msgspec.structs.replace(target.profile, server=server)
    target = target.with_profile(validated(profile, "the command line"))
    folder = carried.below(home, target.declared.folder)
    return target, [Carried(f"{folder}/{file}", text.encode(), PRIVATE) for file, text in files]


def _on_laptop(target: Target, *, seen: bool) -> list[Carried]:
    """Return the files here, below the home; what is only taken for granted is not declared to be known."""
    changes, unexpressed = plan.local_changes(target)
    for sentence in unexpressed:
        target.ui.warn(
            f"{alias(target.name)} cannot be made equal to '{target.profile.destination}' in this: {sentence}"
        )
    found = list[Carried]()
    for change in changes:
        if change.new is None:
            continue
        path = Path(change.path)
        if not path.is_relative_to(target.paths.home):
            raise NbsshError(f"{path} is not below your home", "say it again without XDG_CONFIG_HOME, XDG_STATE_HOME")
        data = change.new
        if change.kind is Kind.PROFILE and not seen:
            data = store.text_of(target.name, msgspec.structs.replace(target.profile, server=None)).encode()
        found.append(Carried(path.relative_to(target.paths.home).as_posix(), data, change.mode))
    return found

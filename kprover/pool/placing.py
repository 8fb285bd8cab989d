"""Which server a task is given to, and which server makes room for another: decisions over values, without effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from .service import Service


def best_free(
    servers: Iterable[Service], kompiled: str, modules: Sequence[str], near: Collection[int]
) -> Service | None:
    """The server of the definition that nobody uses and that suits best: ready, with the most of the modules, and
    among equals one of the serials `near`, then the oldest."""
    free = [server for server in servers if server.kompiled == kompiled and server.takes_tasks and not server.users]
    return max(free, key=lambda s: (*s.rank(modules), s.serial in near, -s.serial), default=None)


def least_used(servers: Iterable[Service], kompiled: str, modules: Sequence[str]) -> Service | None:
    """The server of the definition that a task shares with the fewest others."""
    shared = [server for server in servers if server.kompiled == kompiled and server.takes_tasks]
    return max(shared, key=lambda s: (-len(s.users), *s.rank(modules), -s.serial), default=None)


def dispensable(servers: Sequence[Service], kompiled: str, wanted: Callable[[str], bool]) -> Service | None:
    """A server that may be ended to make room for one of the definition `kompiled`.

    Nobody uses it, and either its definition has no work left or, where `kompiled` has no server at all, it is not
    the last one of its definition. The one with the fewest modules goes first: it is the cheapest to bring back.
    """
    alive = [server for server in servers if server.state != 'failed']
    none_yet = not any(server.kompiled == kompiled for server in alive)
    found = []
    for server in alive:
        if server.users or server.kompiled == kompiled:
            continue
        needed = wanted(server.kompiled)
        last = sum(other.kompiled == server.kompiled for other in alive) == 1
        if not needed or (none_yet and not last):
            found.append((needed, len(server.modules), server.serial, server))
    return min(found)[-1] if found else None


def idle_one(servers: Iterable[Service], kompiled: str) -> Service | None:
    """Any unused server of another definition: where a task waits already, it goes before what may come."""
    idle = [s for s in servers if s.kompiled != kompiled and not s.users and s.state != 'failed']
    return min(idle, key=lambda server: (len(server.modules), server.serial), default=None)

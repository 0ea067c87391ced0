"""Whatever goes wrong: nobody lost, nobody messaged twice, and every promise kept, on both databases.

The list is in the tables: processes, databases, gateways, braking. Each line is a mailing to 2,000 clients in an
installation of its own. FAULTS_SEED chooses another run of the same list.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults import braking, databases, gateways, processes
from tests.faults.fault import Fault
from tests.faults.reckoning import Reckoning
from tests.faults.record import recorded, settled
from tests.faults.run import Run

LONGEST_SECONDS = 120
LIST = (*processes.FAULTS, *databases.FAULTS, *gateways.FAULTS, *braking.FAULTS)

pytestmark = pytest.mark.timeout(300)


def lines() -> Iterator[Any]:
    for database in ("sqlite", "postgres"):
        for fault in LIST:
            for policy in fault.policies:
                if database in fault.databases:
                    is_in_every_run = fault.is_telling and database == "sqlite" and policy == fault.policies[0]
                    marks = [] if is_in_every_run else [pytest.mark.faults]
                    yield pytest.param(
                        fault, policy, database, marks=marks, id=f"{fault.name}-{policy}-{database}"
                    )


@pytest.mark.parametrize("fault, policy, database", list(lines()))
def test_every_promise_is_kept(
    fault: Fault, policy: str, database: str, start: Callable[[Fault, str, str], Run]
) -> None:
    run = start(fault, policy, database)

    with recorded(fault.name, run) as line:
        fault.prepare(run)
        run.launch()
        fault.strike(run)
        run.wait_for_end(LONGEST_SECONDS)

        reckoning = Reckoning(run)
        line |= reckoning.figures()
        reckoning.check()
        fault.also(run)
        if fault.recovers_in is not None:
            assert (settled(run) or 0) <= fault.recovers_in

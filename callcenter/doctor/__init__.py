"""The doctor: looks at the switchboards and at our own side, and says what is wrong and exactly how to mend it.

`visiting` and `house_visit` gather facts and change nothing; `…_checks` are pure functions of facts; `examine` puts
both together. `tried` looks at one call and says what was recognised.
"""

from callcenter.doctor.examine import Doctor
from callcenter.doctor.finding import Finding, Fix, Verdict, failed
from callcenter.doctor.house_facts import Premises

__all__ = ["Doctor", "Finding", "Fix", "Premises", "Verdict", "failed"]

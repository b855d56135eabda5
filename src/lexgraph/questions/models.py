"""The questions of CONTRACT.md as models."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_listed)]
"""A list of texts; a single text counts as a list of one."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Suspect(_Model):
    """What ties a suspect to states."""

    nationality: Texts = Field(default_factory=list)
    residence: Texts = Field(default_factory=list)
    present_in: Texts = Field(default_factory=list)
    established_in: Texts = Field(default_factory=list, description="incorporation or seat, where it is a legal person")


class Victim(_Model):
    """What ties a victim to states."""

    nationality: Texts = Field(default_factory=list)
    residence: Texts = Field(default_factory=list)
    established_in: Texts = Field(default_factory=list)


class ProsecuteQuestion(_Model):
    """A fact pattern: offences, dates, and what ties the act to states."""

    offences: Texts = Field(min_length=1, description="offence categories or everyday words")
    conduct_date: str | None = Field(default=None, description="day of the act; as_of when left out")
    as_of: str | None = Field(default=None, description="day of the question; today when left out")
    conduct_in: Texts = Field(default_factory=list)
    effects_in: Texts = Field(default_factory=list)
    systems_in: Texts = Field(default_factory=list)
    suspects: list[Suspect] = Field(default_factory=list)
    victims: list[Victim] = Field(default_factory=list)
    interests: Texts = Field(default_factory=list, description="states whose institutions or interests were targeted")
    flag: Texts = Field(default_factory=list)
    features: Texts = Field(default_factory=list)
    judged_in: Texts = Field(default_factory=list)
    complaint_by: Texts = Field(default_factory=list)
    authorised_by: Texts = Field(default_factory=list)
    extradition_refused_by: Texts = Field(default_factory=list)
    proceedings_in: Texts = Field(default_factory=list)
    explain: bool = Field(default=False, description="add, for each ground, the chain to rule, records and sources")


class Person(_Model):
    """The person whose extradition is asked."""

    nationality: Texts = Field(default_factory=list)


class CooperateQuestion(_Model):
    """A request: who asks whom for which measure, over which offence, when."""

    requesting: Texts = Field(min_length=1)
    requested: Texts = Field(min_length=1)
    offences: Texts = Field(default_factory=list)
    measures: Texts = Field(default_factory=list, description="all when left out")
    as_of: str | None = None
    conduct_date: str | None = None
    person: Person = Field(default_factory=Person)
    features: Texts = Field(default_factory=list)
    conduct_in: Texts = Field(default_factory=list)
    effects_in: Texts = Field(default_factory=list)
    systems_in: Texts = Field(default_factory=list)
    proceedings_in: Texts = Field(default_factory=list)
    judged_in: Texts = Field(default_factory=list)
    pleas: Texts = Field(default_factory=list)
    interests: Texts = Field(default_factory=list, description="states whose security or interests were harmed")
    request_dates: dict[str, str] = Field(default_factory=dict, description="day of each state's request, by its code")
    explain: bool = Field(default=False, description="add, for each basis, the chain to rule, records and sources")


class RoutesQuestion(_Model):
    """A request that may find no basis: who asks whom for what."""

    requesting: str
    requested: str
    measure: str = Field(default="extradition", description="measure of cooperation")
    offences: Texts = Field(default_factory=list)
    as_of: str | None = None
    conduct_date: str | None = None
    person: Person = Field(default_factory=Person)


class HavensQuestion(_Model):
    """An offence and a day, and perhaps a state that would ask for a surrender."""

    offences: Texts = Field(min_length=1, description="offence categories or everyday words")
    as_of: str | None = None
    conduct_date: str | None = None
    requesting: str | None = Field(default=None, description="state towards which nothing may bind")

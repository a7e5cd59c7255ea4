"""Questions: one in flight for each name, some with nobody waiting, all can be given up (M4, M6)."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from starship.errors import LookupTimeout
from starship.route.questions import Question, Questions
from starship.words import Answer
from tests.fakes import failure_of, success_of
from tests.route.resolvers import A_COM, B_COM, PatientResolver, ask, route


@define(eq=False)
class Asker:
    ends: list[Answer | Failure] = field(factory=list)
    inner: PatientResolver = field(factory=PatientResolver)
    questions: Questions = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.questions = Questions(answered=self.answered, failed=self.failed, beside_limit=1)

    def answered(self, question: Question, answer: Answer) -> None:
        assert self.questions.of(question.name) is None
        self.ends.append(answer)
        question.tell(answer)

    def failed(self, question: Question, failure: Failure) -> None:
        self.ends.append(failure)
        question.tell_failure(failure)

    def put(self, question: Question) -> Deferred[Answer]:
        waiter = question.join()
        self.questions.ask(question, self.inner.resolve, ask(question.name))
        return waiter


def test_an_end_is_told_once_to_the_owner_and_to_all_who_wait() -> None:
    asker = Asker()
    question = Question(A_COM)
    waiting = [asker.put(question), question.join()]
    assert asker.questions.of(A_COM) is question
    asker.inner.questions[0].callback(route())
    assert [success_of(one) for one in waiting] == [route()] * 2
    assert asker.ends == [route()]
    assert len(asker.questions) == 0


def test_a_failure_reaches_all_who_wait() -> None:
    asker = Asker()
    question = Question(A_COM)
    waiting = [asker.put(question), question.join()]
    asker.inner.questions[0].errback(LookupTimeout("late"))
    assert [type(failure_of(one)) for one in waiting] == [LookupTimeout] * 2


def test_room_beside_is_for_one_question_an_entry_and_so_many_in_all_M6() -> None:
    asker = Asker()
    assert asker.questions.room_beside(A_COM, "*.com")
    asker.questions.ask(Question(A_COM, "*.com"), asker.inner.resolve, ask(A_COM))
    assert not asker.questions.room_beside(A_COM, A_COM)
    assert not asker.questions.room_beside(B_COM, "*.com")
    assert not asker.questions.room_beside(B_COM, B_COM)
    asker.inner.questions[0].callback(route())
    assert asker.questions.room_beside(B_COM, B_COM)


def test_an_outdated_question_makes_way_and_is_counted_until_its_end() -> None:
    asker = Asker()
    question = Question(A_COM)
    waiter = asker.put(question)
    asker.questions.outdate(lambda name: name == A_COM)
    assert question.outdated
    assert asker.questions.of(A_COM) is None
    assert len(asker.questions) == 1
    asker.inner.questions[0].callback(route())
    assert success_of(waiter) == route()
    assert len(asker.questions) == 0


def test_all_can_be_given_up() -> None:
    asker = Asker()
    waiting = [asker.put(Question(A_COM)), asker.put(Question(B_COM))]
    asker.questions.outdate(lambda name: name == A_COM)
    asker.questions.stop()
    assert [type(failure_of(one)) for one in waiting] == [CancelledError] * 2
    assert len(asker.questions) == 0

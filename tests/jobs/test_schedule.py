"""Does the scheduler knock as its table says, whatever Redis has forgotten?"""

from datetime import UTC, datetime

from flask import Flask
from redis import Redis

from dashboard.jobs import queues, schedule


def fresh_clock() -> schedule.Clock:
    return schedule.Clock(connection=queues.connection())


def scheduled(redis: Redis) -> set[str]:
    return {name.decode() for name in redis.zrange(schedule.Clock.scheduled_jobs_key, 0, -1)}


def all_is_due(redis: Redis) -> None:
    for name in schedule.SCHEDULE:
        redis.zadd(schedule.Clock.scheduled_jobs_key, {name: 0})


def test_the_table_is_set_up_in_an_empty_redis(app_context: Flask) -> None:
    fresh_clock().reconcile()

    assert scheduled(queues.connection()) == set(schedule.SCHEDULE)


def test_an_entry_that_is_no_longer_ours_is_removed(app_context: Flask) -> None:
    queues.connection().zadd(schedule.Clock.scheduled_jobs_key, {"an_old_one": 0})

    fresh_clock().reconcile()

    assert scheduled(queues.connection()) == set(schedule.SCHEDULE)


def test_after_the_clock_has_gone_back_nothing_waits_until_it_comes_again(app_context: Flask) -> None:
    redis, clock = queues.connection(), fresh_clock()
    clock.reconcile()
    now = datetime.now(UTC).timestamp()
    for name in schedule.SCHEDULE:
        redis.zadd(schedule.Clock.scheduled_jobs_key, {name: now + 8 * 24 * 3600})
    clock._reconcile_at = 0.0

    clock.heartbeat()

    late = {
        name
        for name, entry in schedule.SCHEDULE.items()
        if redis.zscore(schedule.Clock.scheduled_jobs_key, name) > now + entry.every_seconds + 10
    }
    assert late == set()


def test_a_redis_that_was_emptied_is_filled_again_while_the_scheduler_runs(app_context: Flask) -> None:
    clock = fresh_clock()
    clock.heartbeat()
    queues.connection().flushall()
    clock._reconcile_at = 0.0

    clock.heartbeat()

    assert scheduled(queues.connection()) == set(schedule.SCHEDULE)


def test_each_due_entry_knocks_and_is_set_for_its_next_time(app_context: Flask) -> None:
    redis = queues.connection()
    clock = fresh_clock()
    clock.reconcile()
    all_is_due(redis)

    list(clock.enqueue_jobs())

    now = datetime.now(UTC).timestamp()
    assert queues.queue(queues.SENDING).count == 1
    assert queues.queue(queues.BACKGROUND).count == 1
    for name, entry in schedule.SCHEDULE.items():
        due = redis.zscore(schedule.Clock.scheduled_jobs_key, name)
        assert due is not None
        assert now - 2 < due <= now + entry.every_seconds + 1


def test_a_queue_that_nobody_empties_does_not_grow(app_context: Flask) -> None:
    clock = fresh_clock()
    clock.reconcile()

    for _ in range(20):
        all_is_due(queues.connection())
        list(clock.enqueue_jobs())

    assert queues.queue(queues.SENDING).count == app_context.config["SETTINGS"].senders
    assert queues.queue(queues.BACKGROUND).count == 1


def test_a_killed_schedulers_lock_is_soon_gone(app_context: Flask) -> None:
    fresh_clock().acquire_lock()

    assert 0 < queues.connection().ttl(schedule.Clock.scheduler_lock_key) <= schedule.LOCK_SECONDS

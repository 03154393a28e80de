"""Checks that the unit tests of the LB policy's decisions find mistakes.

Each mutation below is a small mistake that a change might make there.  This
script makes the mutations in a copy of the sources, one at a time, and runs the
unit tests of the room that the file is in, which must fail.  It prints a table,
and exits with 1 if a mutation survives, does not build, or no longer applies to
the sources.

    python3 tests/mutations/mutations.py                   # all; about a minute each
    python3 tests/mutations/mutations.py --only=lost-replan
    python3 tests/mutations/mutations.py --check           # only whether all apply
    python3 tests/mutations/mutations.py --bazel-startup="--output_base=/var/tmp/mutations" \\
        --bazel-options="--jobs=2"

The full run is too slow for each run of the tests, which only do the --check.
Run it by hand after changes to one of the files below or to their tests.  Add a
mutation for each defect that the tests had not found.
"""

import argparse
import collections
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
Mutation = collections.namedtuple("Mutation", "name file old new what")

POLICY = "lb_policy/grpc/multi_backend_policy.cc"
BACKLOGS = "lb_policy/plan/pick_plan_backlog.cc"
RETRIES = "lb_policy/failover/retry_decision.cc"

# `old` must occur exactly once.  White space of any kind and amount is equal.
MUTATIONS = [
    Mutation("dropped-repick", POLICY,
             "!= 0 && !publish_scheduled_) { RepickLocked(); }",
             "!= 0 && !publish_scheduled_) { }",
             "waiting calls do not pick again when a backend can take one"),
    Mutation("lost-replan", POLICY,
             "if ((requests & PolicyMailbox::kReplan) != 0) SchedulePublishLocked();",
             "",
             "a change of health makes no new plan"),
    Mutation("no-reresolution", POLICY,
             "channel_control_helper()->RequestReresolution();",
             "",
             "a lost backend is not looked up again"),
    Mutation("publication-not-coalesced", POLICY,
             "publish_scheduled_ = true; work_serializer()->Run(",
             "PublishLocked(); if (!shutdown_) return; work_serializer()->Run(",
             "each change publishes a picker of its own"),
    Mutation("first-ready-not-at-once", POLICY,
             "if (became_ready && (plan_ == nullptr || !plan_->any_ready())) {",
             "if (became_ready && shutdown_) {",
             "the first READY connection is published late"),
    Mutation("no-backoff-reset-on-first-ready", POLICY,
             "if (plan_ != nullptr) backends_.ResetBackoff();",
             "",
             "the other backends keep their backoff when one returns"),
    Mutation("wait-ended-by-another-backend", POLICY,
             "if (plan_ != nullptr) backends_.ResetBackoff();",
             "if (plan_ != nullptr) ResetBackoffLocked();",
             "two backends that close each connection end each other's waits"),
    Mutation("answer-not-noticed", "lb_policy/grpc/attempt_tracker.cc",
             "connection_->OnAnswered(); backend_->OnAnswered(trial_);",
             "backend_->OnAnswered(trial_);",
             "a backend that answers one call per connection has to wait"),
    Mutation("missing-status-not-added", "lb_policy/grpc/attempt_tracker.cc",
             "MendStatus(core::Trailers(args));",
             "if (args.status.ok()) MendStatus(core::Trailers(args));",
             "a call that ends without a status ends the process"),
    Mutation("last-list-not-kept", POLICY,
             "KeepLastListLocked(addresses.status(), args.resolution_note);",
             "KeepLastListLocked(addresses.status(), args.resolution_note); "
             "backends_.Clear();",
             "a failed resolution takes all backends away"),
    Mutation("timer-left-at-shutdown", POLICY,
             "timer_.Cancel(*channel_control_helper()); // Calls may outlive",
             "// Calls may outlive",
             "the timer outlives the policy"),
    Mutation("wrong-usable-since", "lb_policy/grpc/channel_backend.cc",
             "state_ == LinkState::kReady && !first) {",
             "state_ == LinkState::kReady && first) {",
             "usable_since is not set when a backend returns"),
    Mutation("watch-left-behind", "lb_policy/grpc/backend_connection.cc",
             "subchannel_->CancelConnectivityStateWatch(watcher_);",
             "",
             "a dropped connection is still watched"),
    Mutation("trial-not-returned-on-bounce",
             "lb_policy/grpc/attempt_tracker.cc",
             "call_->OnNotPicked(); if (trial_ != 0) {",
             "call_->OnNotPicked();\nif (trial_ != 0 && may_have_ticket_) {",
             "a bounced trial keeps the backend from being tried"),
    Mutation("failed-backend-seems-to-connect",
             "lb_policy/grpc/channel_backend.cc",
             "LinkState::kConnecting && before != LinkState::kFailed) {",
             "LinkState::kConnecting) {",
             "calls wait for one more connection to a failed backend"),
    Mutation("failed-connection-seems-to-connect",
             "lb_policy/grpc/backend_connection.cc",
             "case GRPC_CHANNEL_CONNECTING: if (before == LinkState::kReady) "
             "state_",
             "case GRPC_CHANNEL_CONNECTING: (void)before; state_",
             "a connection that cannot be made is never closed"),
    Mutation("refusal-in-a-long-list-not-published", POLICY,
             "if (opened.failed) SchedulePublishLocked();",
             "",
             "a channel whose connections core refuses seems to connect"),
    Mutation("long-list-opened-at-once", "lb_policy/grpc/channel_backends.cc",
             "i < kOpenedAtOnce && !unopened_.empty(); ++i) {",
             "!unopened_.empty(); ++i) {",
             "the first call waits for all connections of a long list"),
    Mutation("renamed-backend-connects-anew", POLICY,
             "backend->Resize(NowNanos());",
             "",
             "a list that names its backends closes their connections"),
    Mutation("event-twice", "lb_policy/status/event_reporter.cc",
             "events_->Add(std::move(event));",
             "events_->Add(event); events_->Add(std::move(event));",
             "each event is reported twice"),
    Mutation("backlog-change-unreported", POLICY,
             "reporter_.Report(plan_->UpdateBacklogs(time_.NowNanos()));",
             "plan_->UpdateBacklogs(time_.NowNanos());",
             "no event tells that a backlog changed its state"),
    Mutation("backlog-deadline-not-waited-for", POLICY,
             "due = std::min(due, plan_->NextBacklogDeadline());",
             "",
             "waiting calls are refused too late"),
    Mutation("repeated-address-counts-twice",
             "lb_policy/grpc/channel_backends.cc",
             "if (!inserted.second && old == nullptr) continue;",
             "",
             "an address that a list repeats gets twice the calls"),
    Mutation("trial-not-tracked", "lb_policy/grpc/picker.cc",
             "tracker_args.trial = picked.trial;",
             "",
             "the outcome of a trial is lost"),
    Mutation("method-policy-not-passed-on", "lb_policy/grpc/call_attempts.cc",
             "inputs.has_method_retry_policy = context.has_method_retry_policy;",
             "",
             "the method's own retry policy is overruled"),
    Mutation("retry-time-not-passed-on", "lb_policy/grpc/call_attempts.cc",
             "inputs.now_millis = CoreMillis();",
             "",
             "a backend that timed out is tried again"),
    Mutation("early-commit-leaves-unsent", "lb_policy/grpc/call_attempts.cc",
             "if (ticket.Leave(sent)) WakeWaitingCalls();",
             "(void)sent; if (ticket.Leave()) WakeWaitingCalls();",
             "a call that core commits before its stream lets no other go"),
    Mutation("committed-timeout-charged", "lb_policy/grpc/call_attempts.cc",
             "stream.report.timed_out) && "
             "!committed_.load(std::memory_order_relaxed)) {",
             "stream.report.timed_out)) {",
             "a timeout that core does not retry uses up the retry budget"),
    Mutation("bounce-is-no-wait", "lb_policy/grpc/attempt_tracker.cc",
             "if (call_ != nullptr) call_->OnNotPicked();",
             "",
             "a timeout that ran while a pick bounced ends the call"),
    Mutation("bounced-attempt-stays-counted",
             "lb_policy/grpc/attempt_tracker.cc",
             "if (phase_ == Phase::kPicked) Bounce();",
             "",
             "a pick that bounced counts as a call on its way"),
    Mutation("replay-charged", "lb_policy/grpc/call_attempts.cc",
             "if (IsReplayed(stream.report.reached)) {",
             "if (false) {",
             "what core replays by itself uses up the retry budget"),
    Mutation("pushback-of-zero-stays", "lb_policy/grpc/attempt_tracker.cc",
             "trailers.Set(kPushbackKey, kLeastPushback);",
             "",
             "a server that asks for a retry at once hangs its callers"),
    Mutation("refused-timeout-retried", "lb_policy/grpc/call_attempts.cc",
             "return !refused_;",
             "return true;",
             "a call goes on although no retry was granted after a timeout"),
    Mutation("ramp-undone", "lb_policy/backends/health_flags.cc",
             "if (RampShare(now_nanos) == 1) WriteFlag(load_->admission",
             "WriteFlag(load_->admission",
             "the end of a ramp ends the next one too"),
    Mutation("refused-call-moves-the-primary",
             "lb_policy/strategies/primary/primary.cc",
             "if (!request.excludes_any()) {",
             "if (request.tried.empty()) {",
             "one call in slow start moves all calls to the next backend"),
    Mutation("retry-goes-back-when-others-are-full", BACKLOGS,
             "if (!exhausted || HasUntriedAtLimit(label, request)) {",
             "if (!exhausted) {",
             "a retry goes to the backend that has just failed it"),
    Mutation("full-retry-holds-up-others", BACKLOGS,
             "if (result.outcome == Outcome::kWaitForUntried) {",
             "if (false) {",
             "a retry that waits for a full backend holds up the backlog"),
    Mutation("due-timer-put-off", "lb_policy/grpc/policy_timer.h",
             "if (at == at_ && fires_at_ > now) return;",
             "if (at == at_ && at_ > now) return;",
             "calls on a full connection put off the policy's timer"),
    Mutation("few-refusals-only", "lb_policy/plan/pick_plan.cc",
             "narrowed.not_admitting = not_admitting;",
             "if (not_admitting.size() > 8) { return; } "
             "narrowed.not_admitting = not_admitting;",
             "the pick gives up early when many backends do not admit it"),
    Mutation("first-choice-forgotten", "lb_policy/plan/pick_plan.cc",
             "if (ramping.has_value()) result = *ramping;",
             "",
             "a call that no backend in slow start admits fails"),
    Mutation("refused-trial-taken", "lb_policy/plan/pick_plan.cc",
             "return result.trial != 0 ? Admission::kAdmitted : Admission::kOnTrial;",
             "return Admission::kAdmitted;",
             "a call goes to a backend whose trial another call holds"),
    Mutation("ping-is-a-trial", "lb_policy/plan/pick_plan.h",
             "return Choose(CallLabel(), PickRequest());",
             "Result result = Choose(CallLabel(), PickRequest()); "
             "if (result.outcome == Outcome::kPicked) "
             "static_cast<void>(Admit(result)); return result;",
             "core's ping takes a trial and never ends it"),
    Mutation("backlog-of-one-balancer-only", BACKLOGS,
             "serves |= top.backlog() == node.backlog() && top.AnyUsable();",
             "static_cast<void>(top);",
             "calls are refused though another member could serve them"),
    Mutation("connecting-counts-as-down", BACKLOGS,
             "!usable && !MayConnectForBacklog(*node)",
             "!usable",
             "calls are refused while a first connection is being made"),
    Mutation("last-deadline-wins", BACKLOGS,
             "deadline = std::min(deadline, node->backlog()->next_deadline());",
             "deadline = node->backlog()->next_deadline();",
             "a backlog waits for the timer of another one"),
    Mutation("never-is-ignored", RETRIES,
             "if (inputs.label.retry == RetryMode::kNever) "
             "return RetryDecision::kForbidden;",
             "",
             "a call that must not run twice does"),
    Mutation("one-retry-too-many", RETRIES,
             "log.retries_granted() >= inputs.failover->max_retries()",
             "log.retries_granted() > inputs.failover->max_retries()",
             "maxRetries is exceeded"),
    Mutation("waits-again-and-again", RETRIES,
             "inputs.ticket->must_wait = true;",
             "",
             "a call without retries is sent again without having waited"),
    Mutation("waiting-counts-as-slow", RETRIES,
             "*timeout / 2;",
             "*timeout / 4;",
             "a backend that had no time to answer is not tried again"),
    Mutation("void-attempt-not-forgotten", RETRIES,
             "log.VoidNewest();",
             "",
             "a backend that had no time counts as tried"),
    Mutation("retry-not-counted", RETRIES,
             "log.OnRetryGranted();",
             "",
             "a call is retried without end"),
    Mutation("dropped-at-shutdown-is-an-answer",
             "lb_policy/failover/error_class.cc",
             "message == kCoreDroppedMessage",
             "message.empty() && !kCoreDroppedMessage.empty()",
             "calls are lost when a server shuts down"),
    Mutation("burst-on-one-connection", "lb_policy/grpc/channel_backends.cc",
             "connections->expects_another = backend.ExpectsConnection();",
             "connections->expects_another = false;",
             "calls that begin together do not wait for further connections"),
    Mutation("waits-beside-a-refusal", "lb_policy/connections/sizing.cc",
             "if (connection.state == LinkState::kFailed) return false;",
             "",
             "calls wait for one more connection although one was refused"),
    Mutation("stream-end-wakes-nobody", "lb_policy/grpc/attempt_tracker.cc",
             "if (connection_->EndStream() && call_ != nullptr)",
             "if (connection_->EndStream() && trial_ != 0)",
             "a call keeps waiting although a stream has ended"),
]


def tests_of(mutation):
    """The unit tests that have to see it."""
    room = os.path.dirname(mutation.file)
    tests = ["//%s:all" % room]
    # Some rooms keep only headers there, which belong to the room's package.
    if os.path.isfile(os.path.join(ROOT, room, "testing", "BUILD.bazel")):
        tests.append("//%s/testing:all" % room)
    return tests


def apply_to(text, mutation):
    """Returns the mutated text.  Raises ValueError unless `old` occurs once."""
    pattern = r"\s+".join(re.escape(word) for word in mutation.old.split())
    found = len(re.findall(pattern, text))
    if found != 1:
        raise ValueError("%s: its text is %d times in %s, not once: adapt it" %
                         (mutation.name, found, mutation.file))
    return re.sub(pattern, lambda _: mutation.new, text)


def read(root, mutation):
    with open(os.path.join(root, mutation.file), encoding="utf-8") as source:
        return source.read()


def write(root, mutation, text):
    with open(os.path.join(root, mutation.file), "w",
              encoding="utf-8") as source:
        source.write(text)


def check(mutations):
    """Prints the mutations that do not apply.  Returns whether all apply."""
    good = True
    for mutation in mutations:
        try:
            apply_to(read(ROOT, mutation), mutation)
        except ValueError as error:
            print(error)
            good = False
    return good


class Workspace:
    """A copy of the sources in which Bazel runs."""

    def __init__(self, directory, startup, options):
        self.root = os.path.join(directory, "workspace")
        self.command = (["bazel"] + shlex.split(startup) + ["test"] +
                        shlex.split(options) +
                        ["--keep_going", "--test_output=errors",
                         "--noshow_progress", "--color=no", "--"])
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"],
            cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        for name in listed.decode().split("\0"):
            source = os.path.join(ROOT, name)
            if not name or not os.path.isfile(source):
                continue
            target = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target)

    def test(self, mutations):
        """Returns Bazel's exit code (0: all pass, 3: some fail) and output."""
        tests = sorted({test for m in mutations for test in tests_of(m)})
        done = subprocess.run(self.command + tests, cwd=self.root, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode(errors="replace")

    def stop(self):
        at = self.command.index("test")
        subprocess.run(self.command[:at] + ["shutdown"], cwd=self.root,
                       check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


def failed_tests(output):
    """Returns the name of the first failed test and the number of others."""
    names = sorted(set(re.findall(r"^\[  FAILED  \] ([\w/]+\.[\w/]+)", output,
                                  re.MULTILINE)))
    if not names:
        return "a crash"
    more = " and %d more" % (len(names) - 1) if len(names) > 1 else ""
    return names[0] + more


def run(mutations, workspace):
    """Prints the table.  Returns whether the tests notice every mutation."""
    code, output = workspace.test(mutations)
    if code != 0:
        print(output)
        print("the tests do not pass without any mutation")
        return False
    print("| mutation | what goes wrong | seen by | s |\n|---|---|---|---|")
    good = True
    for mutation in mutations:
        text = read(workspace.root, mutation)
        start = time.time()
        write(workspace.root, mutation, apply_to(text, mutation))
        code, output = workspace.test([mutation])
        write(workspace.root, mutation, text)
        if code == 3:
            verdict = failed_tests(output)
        else:
            verdict = "**SURVIVES**" if code == 0 else "**does not build**"
            good = False
            if code != 0:
                print(output)
        print("| %s | %s | %s | %d |" % (mutation.name, mutation.what, verdict,
                                        time.time() - start), flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", help="the name of one mutation")
    parser.add_argument("--bazel-startup", default="")
    parser.add_argument("--bazel-options", default="")
    flags = parser.parse_args()
    mutations = [m for m in MUTATIONS if flags.only in (None, m.name)]
    if not mutations:
        sys.exit("there is no mutation of that name")
    good = check(mutations)
    if flags.check or not good:
        print("mutations: %d, %s" % (len(mutations), "all apply"
                                     if good else "not all apply"))
        sys.exit(0 if good else 1)
    with tempfile.TemporaryDirectory() as directory:
        workspace = Workspace(directory, flags.bazel_startup,
                              flags.bazel_options)
        try:
            good = run(mutations, workspace)
        finally:
            workspace.stop()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

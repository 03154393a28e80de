#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/observability/admin/shown_text.h"
#include "multi_backend/sync/mutex.h"
#include "multi_backend/tools/mb/output/interruption.h"
#include "multi_backend/tools/mb/output/json.h"
#include "multi_backend/tools/mb/resolve/commands.h"
#include "multi_backend/tools/mb/resolve/resolution.h"
#include "multi_backend/tools/mb/resolve/target.h"

namespace multi_backend {
namespace mb {
namespace {

struct Flags {
  std::string target;
  double timeout_seconds = 10;
  bool watch = false;
  bool json = false;
};

// The newest list of a watch.
class NewestList {
 public:
  using List = std::shared_ptr<const EndpointList>;

  void Set(List list) {
    MutexLock lock(&mutex_);
    list_ = std::move(list);
  }
  // Null when there is no list since the last call.
  List Take() {
    MutexLock lock(&mutex_);
    return std::exchange(list_, nullptr);
  }

 private:
  Mutex mutex_;
  List list_ ABSL_GUARDED_BY(mutex_);
};

class Watch {
 public:
  Watch(const Flags& flags, std::string target, EndpointGroup& group,
        const Command& mb)
      : flags_(flags), target_(std::move(target)), group_(group), mb_(mb) {}

  // Until the user interrupts it.
  void Run() {
    Interruption& interruption = Interruption::Install();
    const auto subscription =
        group_.Watch([this, &interruption](NewestList::List list) {
          newest_.Set(std::move(list));
          interruption.Wake();
        });
    while (!interruption.happened()) {
      PrintNews();
      // Errors come without a call of the watch.
      interruption.Wait(absl::Seconds(1));
    }
  }

 private:
  void PrintNews() {
    const NewestList::List list = newest_.Take();
    if (list != nullptr && !(list->empty() && !group_.last_error().ok())) {
      v1::Resolution resolution = MakeResolution(target_, absl::Now(), *list);
      SetChanges(last_, resolution);
      Print(resolution, had_list_ ? FormatChanges(resolution)
                                  : FormatResolution(resolution));
      last_ = std::move(resolution);
      had_list_ = true;
    }
    const absl::Status error = group_.last_error();
    if (error == last_error_) return;
    last_error_ = error;
    if (error.ok()) return;
    const v1::Resolution failure = MakeFailure(target_, absl::Now(), error);
    Print(failure, FormatResolution(failure));
  }

  void Print(const v1::Resolution& resolution, const std::string& text) {
    *mb_.out << (flags_.json ? ToJson(resolution) : text) << std::flush;
  }

  const Flags& flags_;
  const std::string target_;
  EndpointGroup& group_;
  const Command& mb_;
  NewestList newest_;
  v1::Resolution last_;
  bool had_list_ = false;
  absl::Status last_error_;
};

void ResolveOnce(const Flags& flags, const std::string& target,
                 EndpointGroup& group, const Command& mb) {
  const absl::Status known =
      group.AwaitInitialEndpoints(absl::Seconds(flags.timeout_seconds));
  if (!known.ok()) {
    if (flags.json) {
      *mb.out << ToJson(MakeFailure(target, absl::Now(), known)) << std::flush;
    }
    return mb.Fail(known.message());
  }
  const v1::Resolution resolution =
      MakeResolution(target, absl::Now(), *group.endpoints());
  *mb.out << (flags.json ? ToJson(resolution) : FormatResolution(resolution))
          << std::flush;
}

void Run(const Flags& flags, const Command& mb) {
  auto group = OpenTarget(flags.target);
  if (!group.ok()) return mb.Fail(group.status().message());
  const std::string target = ShownTarget(flags.target);
  if (flags.watch) {
    Watch(flags, target, **group, mb).Run();
  } else {
    ResolveOnce(flags, target, **group, mb);
  }
  (*group)->Close();
}

}  // namespace

void AddResolve(CLI::App& app, const Command& mb) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* const command = app.add_subcommand(
      "resolve", "Print the endpoints behind a target, and follow them");
  command
      ->add_option("TARGET", flags->target,
                   "As for CreateChannel: static:, file:, dns+addr:, dns+srv:, "
                   "dns+txt:, zookeeper:, etcd:")
      ->required();
  command->add_flag("--watch", flags->watch,
                    "Go on and print each change, until ^C");
  command
      ->add_option("--timeout", flags->timeout_seconds,
                   "Seconds to wait for the first list; 10 unless given")
      ->check(CLI::Range(0.001, 86400.0));
  command->add_flag("--json", flags->json, "One JSON object for each list");
  command->footer(
      "Credentials come from where the library takes them, never from the\n"
      "target: MULTI_BACKEND_ZOOKEEPER_AUTH_FILE, or ..._AUTH with the text\n"
      "itself, for zookeeper:, and MULTI_BACKEND_ETCD_AUTH_FILE for etcd:.\n"
      "\n"
      "Examples:\n"
      "  mb resolve file:///etc/app/backends.json\n"
      "  mb resolve dns+txt://10.0.0.53/users.example --watch\n"
      "  MULTI_BACKEND_ETCD_AUTH_FILE=/run/secrets/etcd \\\n"
      "     mb resolve etcd://10.0.0.5:2379/services/users/ --json");
  command->callback([flags, mb] { Run(*flags, mb); });
}

}  // namespace mb
}  // namespace multi_backend

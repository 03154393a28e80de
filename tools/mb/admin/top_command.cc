#include <locale.h>
// Its macros have the names of many a method: timeout, clear, move.
#define NCURSES_NOMACROS 1
#include <ncurses.h>
#include <unistd.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/tools/mb/admin/commands.h"
#include "multi_backend/tools/mb/admin/top_screen.h"
#include "multi_backend/tools/mb/admin/views.h"
#include "multi_backend/tools/mb/output/interruption.h"
#include "multi_backend/tools/mb/output/json.h"

namespace multi_backend {
namespace mb {
namespace {

struct TopFlags : AdminFlags {
  double interval_seconds = 1;
  bool read_only = false;
};

// The terminal while `mb top` has it.
class Terminal {
 public:
  explicit Terminal(int interval_millis) {
    // ncurses needs it for texts that are not ASCII, and no other thread of the
    // program asks for the locale.
    setlocale(LC_ALL, "");  // NOLINT(concurrency-mt-unsafe)
    initscr();
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    timeout(interval_millis);
    if (!has_colors()) return;
    start_color();
    use_default_colors();
    init_pair(1, COLOR_GREEN, -1);
    init_pair(2, COLOR_RED, -1);
    init_pair(3, COLOR_YELLOW, -1);
  }
  ~Terminal() { endwin(); }

  void Draw(const admin::v1::Status& status, const TopState& state) {
    erase();
    const auto lines = DrawTop(status, state, static_cast<size_t>(LINES),
                               static_cast<size_t>(COLS));
    for (size_t i = 0; i < lines.size(); ++i) {
      attrset(static_cast<int>(AttributesOf(lines[i])));
      mvaddstr(static_cast<int>(i), 0, lines[i].text.c_str());
    }
    refresh();
  }

  // ERR after the interval.
  int ReadKey() { return getch(); }

 private:
  // Each state is also a word, for terminals and eyes without colours.
  static attr_t AttributesOf(const TopLine& line) {
    attr_t attributes = line.selected ? A_REVERSE : A_NORMAL;
    switch (line.style) {
      case TopLine::Style::kPlain:
        break;
      case TopLine::Style::kTitle:
        attributes |= A_BOLD;
        break;
      case TopLine::Style::kGood:
        attributes |= COLOR_PAIR(1);
        break;
      case TopLine::Style::kBad:
        attributes |= COLOR_PAIR(2) | A_BOLD;
        break;
      case TopLine::Style::kWarning:
        attributes |= COLOR_PAIR(3);
        break;
    }
    return attributes;
  }
};

void Act(AdminClient& client, const Action& action, TopState& state) {
  const auto result = client.Act(action);
  state.message =
      result.ok() ? result->message() : std::string(result.status().message());
}

void RunLive(const TopFlags& flags, AdminClient& client,
             admin::v1::Status status) {
  const Interruption& interruption = Interruption::Install();
  Terminal terminal(static_cast<int>(flags.interval_seconds * 1000));
  TopState state;
  state.read_only = flags.read_only;
  while (!interruption.happened()) {
    terminal.Draw(status, state);
    const int key = terminal.ReadKey();
    if (key != ERR) {
      const TopKey kind = key == KEY_UP     ? TopKey::kUp
                          : key == KEY_DOWN ? TopKey::kDown
                                            : TopKey::kOther;
      const char letter =
          key >= 0 && key < 0x80 ? static_cast<char>(key) : '\0';
      const TopEffect effect = OnTopKey(kind, letter, status, state);
      if (effect.quit) return;
      if (!effect.action.has_value()) continue;
      Act(client, *effect.action, state);
    }
    if (state.paused) continue;
    auto newer = client.GetStatus(flags.target);
    if (newer.ok()) {
      status = *std::move(newer);
    } else {
      // The last numbers stay, with the reason below them.
      state.message = std::string(newer.status().message());
    }
  }
}

void Run(const TopFlags& flags, const Command& mb) {
  const auto client = Connect(flags, mb);
  if (!client.ok()) return mb.Fail(client.status().message());
  auto status = (*client)->GetStatus(flags.target);
  if (!status.ok()) return mb.Fail(status.status().message());
  if (flags.json) {
    *mb.out << ToJson(*status) << std::flush;
  } else if (isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0) {
    *mb.out << FormatStatus(*status) << std::flush;
  } else {
    RunLive(flags, **client, *std::move(status));
  }
}

}  // namespace

void AddTop(CLI::App& app, const Command& mb) {
  const auto flags = std::make_shared<TopFlags>();
  CLI::App* const command =
      app.add_subcommand("top", "Watch an application's backends, live");
  AddAdminFlags(*command, *flags);
  command
      ->add_option("--interval", flags->interval_seconds,
                   "Seconds between two looks; 1 unless given")
      ->check(CLI::Range(0.1, 3600.0));
  command->add_flag("--read-only", flags->read_only, "The keys do no actions");
  command->footer(absl::StrCat(
      "? shows the keys.  Where the output is no terminal, it is that of `mb\n"
      "status`.\n",
      kAddressHelp, "\nExample:\n  mb top 127.0.0.1:9090"));
  command->callback([flags, mb] { Run(*flags, mb); });
}

}  // namespace mb
}  // namespace multi_backend

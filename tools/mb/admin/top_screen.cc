#include "multi_backend/tools/mb/admin/top_screen.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "multi_backend/observability/admin/proto_time.h"
#include "multi_backend/observability/admin/status_text.h"
#include "multi_backend/tools/mb/admin/views.h"
#include "multi_backend/tools/mb/output/text.h"

namespace multi_backend {
namespace mb {
namespace {

using admin::v1::Backend;
using admin::v1::Channel;
using Style = TopLine::Style;

constexpr char kKeys[] =
    "arrows select  s sort  m mark  u unmark  d drain  e end drain  p pause  "
    "? help  q quit";

constexpr const char* kHelp[] = {
    "up, down  select a backend",
    "s         sort by address, errors, share or state",
    "m, u      mark the backend unhealthy, end the mark",
    "d, e      drain the backend, end the drain",
    "p         stop the numbers, and let them go on",
    "q         quit",
    "",
    "An action is carried out after you have answered y.",
};

const char* OrderName(TopOrder order) {
  switch (order) {
    case TopOrder::kAddress:
      return "address";
    case TopOrder::kErrors:
      return "errors";
    case TopOrder::kShare:
      return "share";
    case TopOrder::kState:
      return "state";
  }
  return "";
}

bool ComesFirst(const Backend& a, const Backend& b, TopOrder order) {
  switch (order) {
    case TopOrder::kAddress:
      return false;  // The service's order.
    case TopOrder::kErrors:
      return a.last_minute().errors() > b.last_minute().errors();
    case TopOrder::kShare:
      return a.last_minute().share() > b.last_minute().share();
    case TopOrder::kState:
      // What is not ALIVE first.
      return (a.state() != "ALIVE") > (b.state() != "ALIVE");
  }
  return false;
}

std::vector<const Backend*> Ordered(const Channel& channel, TopOrder order) {
  std::vector<const Backend*> backends;
  for (const Backend& backend : channel.backends())
    backends.push_back(&backend);
  std::stable_sort(backends.begin(), backends.end(),
                   [order](const Backend* a, const Backend* b) {
                     return ComesFirst(*a, *b, order);
                   });
  return backends;
}

Style StyleOf(const Backend& backend) {
  if (backend.draining() || backend.absent()) return Style::kWarning;
  if (backend.state() == "ALIVE") return Style::kGood;
  return backend.state() == "OVERLOADED" ? Style::kWarning : Style::kBad;
}

// One place where the selection may be.
struct Place {
  uint64_t channel;
  const Backend* backend;
};

std::vector<Place> PlacesOf(const admin::v1::Status& status, TopOrder order) {
  std::vector<Place> places;
  for (const Channel& channel : status.channels()) {
    for (const Backend* backend : Ordered(channel, order)) {
      places.push_back({channel.id(), backend});
    }
  }
  return places;
}

// The index of the selected place; the first one when it has gone.
size_t SelectedOf(const std::vector<Place>& places, const TopState& state) {
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i].channel == state.channel &&
        places[i].backend->address() == state.backend) {
      return i;
    }
  }
  return 0;
}

void AddChannel(const Channel& channel, absl::Time now, const TopState& state,
                const Place* selected, std::vector<TopLine>& lines) {
  lines.push_back({HeadingOf(channel), Style::kTitle});
  if (!channel.resolver().last_error().empty()) {
    lines.push_back(
        {absl::StrCat("resolver: ", Printable(channel.resolver().last_error())),
         Style::kBad});
  }
  for (const auto& balancer : channel.balancers()) {
    if (!balancer.panic()) continue;
    lines.push_back(
        {absl::StrCat("PANIC: ", Printable(balancer.path()), " ignores health"),
         Style::kBad});
  }
  constexpr auto kRight = TextTable::Align::kRight;
  TextTable table({{"BACKEND"},
                   {"STATE"},
                   {"FOR", kRight},
                   {"SHARE", kRight},
                   {"FLIGHT", kRight},
                   {"CALLS/MIN", kRight},
                   {"ERR/MIN", kRight},
                   {"P50", kRight},
                   {"P99", kRight},
                   {"ROLE"},
                   {"WHY"}});
  const std::vector<const Backend*> backends = Ordered(channel, state.order);
  for (const Backend* backend : backends) {
    const BackendRow row = RowOf(*backend, now);
    table.AddRow({row.backend, row.state, row.age, row.share, row.in_flight,
                  row.attempts, row.errors, row.p50, row.p99, row.role,
                  row.why});
  }
  if (backends.empty()) return;
  const std::vector<std::string> texts =
      absl::StrSplit(table.ToString(2), '\n', absl::SkipEmpty());
  lines.push_back({texts[0], Style::kTitle});
  for (size_t i = 0; i < backends.size(); ++i) {
    TopLine line{texts[i + 1], StyleOf(*backends[i])};
    line.selected = selected != nullptr && selected->backend == backends[i];
    if (line.selected) line.text[0] = '>';
    lines.push_back(std::move(line));
  }
}

// The characters of a printable text up to `columns`.
std::string Cut(const std::string& text, size_t columns) {
  if (WidthOf(text) <= columns) return text;
  size_t width = 0;
  size_t end = 0;
  while (end < text.size()) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (begins && width++ == columns) break;
    ++end;
  }
  return text.substr(0, end);
}

std::string BottomOf(const TopState& state) {
  if (state.asked.has_value()) {
    return absl::StrCat(ActionName(state.asked->kind), " ",
                        Printable(state.asked->backend), "? y is yes");
  }
  if (!state.message.empty()) return Printable(state.message);
  return kKeys;
}

void Select(const std::vector<Place>& places, size_t index, TopState& state) {
  state.channel = places[index].channel;
  state.backend = places[index].backend->address();
}

// Asks before the action; or says why there is none.
void Ask(ActionKind kind, const admin::v1::Status& status,
         const std::vector<Place>& places, TopState& state) {
  if (state.read_only) {
    state.message = "--read-only: no actions";
    return;
  }
  if (!status.actions_enabled()) {
    state.message = "the application has not turned actions on";
    return;
  }
  if (places.empty()) return;
  const Place& place = places[SelectedOf(places, state)];
  Action action;
  action.kind = kind;
  action.backend = place.backend->address();
  for (const Channel& channel : status.channels()) {
    if (channel.id() == place.channel) action.target = channel.target();
  }
  action.reason = "by mb top";
  state.asked = std::move(action);
}

}  // namespace

std::vector<TopLine> DrawTop(const admin::v1::Status& status,
                             const TopState& state, size_t rows,
                             size_t columns) {
  if (rows == 0) return {};
  const absl::Time now = ToTime(status.time());
  const std::vector<Place> places = PlacesOf(status, state.order);
  const Place* const selected =
      places.empty() ? nullptr : &places[SelectedOf(places, state)];
  std::vector<TopLine> body;
  if (state.help) {
    for (const char* line : kHelp) body.push_back({line});
  } else {
    for (const Channel& channel : status.channels()) {
      AddChannel(channel, now, state, selected, body);
    }
    if (body.empty()) body.push_back({"no channels"});
  }
  std::vector<TopLine> lines;
  if (rows > 2) {
    lines.push_back(
        {absl::StrCat("multi_backend ", Printable(status.library_version()),
                      ", up ", Age(now - ToTime(status.started())),
                      ", sorted by ", OrderName(state.order),
                      state.paused ? ", PAUSED" : ""),
         Style::kTitle});
  }
  const size_t room = rows - lines.size() - 1;
  // Scrolled just as far as the selection needs.
  const auto found =
      std::find_if(body.begin(), body.end(),
                   [](const TopLine& line) { return line.selected; });
  const size_t index = static_cast<size_t>(found - body.begin());
  const size_t first =
      found != body.end() && index >= room && room > 0 ? index - room + 1 : 0;
  for (size_t i = first; i < body.size() && i < first + room; ++i) {
    lines.push_back(std::move(body[i]));
  }
  lines.resize(rows - 1);
  lines.push_back({BottomOf(state), Style::kTitle});
  for (TopLine& line : lines) line.text = Cut(line.text, columns);
  return lines;
}

TopEffect OnTopKey(TopKey key, char letter, const admin::v1::Status& status,
                   TopState& state) {
  TopEffect effect;
  state.message.clear();
  if (state.asked.has_value()) {
    if (key == TopKey::kOther && letter == 'y') effect.action = state.asked;
    state.asked.reset();
    return effect;
  }
  const std::vector<Place> places = PlacesOf(status, state.order);
  const size_t selected = SelectedOf(places, state);
  if (key == TopKey::kUp && selected > 0) Select(places, selected - 1, state);
  if (key == TopKey::kDown && selected + 1 < places.size()) {
    Select(places, selected + 1, state);
  }
  if (key != TopKey::kOther) return effect;
  switch (letter) {
    case 'q':
      effect.quit = true;
      break;
    case 's':
      state.order =
          static_cast<TopOrder>((static_cast<int>(state.order) + 1) %
                                (static_cast<int>(TopOrder::kState) + 1));
      break;
    case 'p':
      state.paused = !state.paused;
      break;
    case '?':
      state.help = !state.help;
      break;
    case 'm':
      Ask(ActionKind::kMarkUnhealthy, status, places, state);
      break;
    case 'u':
      Ask(ActionKind::kMarkHealthy, status, places, state);
      break;
    case 'd':
      Ask(ActionKind::kDrain, status, places, state);
      break;
    case 'e':
      Ask(ActionKind::kUndrain, status, places, state);
      break;
    default:
      break;
  }
  return effect;
}

}  // namespace mb
}  // namespace multi_backend

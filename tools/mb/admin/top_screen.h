// The screen of `mb top`: what is on it, and what a key does.
//
// Pure and thread-safe; top_command.cc has the terminal.
#ifndef MULTI_BACKEND_TOOLS_MB_ADMIN_TOP_SCREEN_H_
#define MULTI_BACKEND_TOOLS_MB_ADMIN_TOP_SCREEN_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "multi_backend/observability/admin/action.h"
#include "multi_backend/observability/admin/admin.pb.h"

namespace multi_backend {
namespace mb {

enum class TopOrder { kAddress, kErrors, kShare, kState };

struct TopState {
  TopOrder order = TopOrder::kAddress;
  // The selected backend, by channel and address, so that it stays selected
  // when the order changes.
  uint64_t channel = 0;
  std::string backend;
  bool paused = false;
  bool read_only = false;
  bool help = false;
  // Waits for "y".
  absl::optional<Action> asked;
  std::string message;  // Of the newest action or failure.
};

struct TopLine {
  enum class Style { kPlain, kTitle, kGood, kBad, kWarning };
  std::string text;  // Printable, at most as wide as the screen.
  Style style = Style::kPlain;
  bool selected = false;
};

// At most `rows` lines of at most `columns` characters.  The selected backend
// is always among them; the last line has the message, the question or the
// keys.
std::vector<TopLine> DrawTop(const admin::v1::Status& status,
                             const TopState& state, size_t rows,
                             size_t columns);

enum class TopKey { kOther, kUp, kDown };

struct TopEffect {
  bool quit = false;
  absl::optional<Action> action;  // To be carried out now.
};

// `letter`: the key's character with kOther.
TopEffect OnTopKey(TopKey key, char letter, const admin::v1::Status& status,
                   TopState& state);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_ADMIN_TOP_SCREEN_H_

#include "multi_backend/lb_policy/slot_table.h"

#include <new>

namespace multi_backend {

// calloc, not new: an allocation of this size is fresh zero pages, which cost
// nothing before they are touched.
SlotTable::SlotTable()
    : entries_(static_cast<Entry*>(std::calloc(kSlots, sizeof(Entry)))) {
  if (entries_ == nullptr) throw std::bad_alloc();
}

}  // namespace multi_backend

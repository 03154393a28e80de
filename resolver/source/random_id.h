// RandomId(): a name that no other process chooses.  Thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_RANDOM_ID_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_RANDOM_ID_H_

#include <string>

namespace multi_backend {

// 128 bits of the system's random generator as 32 hexadecimal digits.
std::string RandomId();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_RANDOM_ID_H_

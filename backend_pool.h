// The backends of a channel, or of several: their health and what they do now,
// marks, drains and weights by hand, and what has happened.
//
//   multi_backend::ChannelOptions options;
//   options.pool = multi_backend::BackendPool::Create();
//   const auto pool = options.pool;
//   auto channel = multi_backend::CreateChannel(target, creds,
//                                               std::move(options));
//   for (const auto& backend : pool->GetAllBackends()) …
//   pool->MarkUnhealthy("10.0.0.1:50051", "by the operator");
//
// API of this header: BackendPool with Create, GetAllBackends,
// GetHealthyBackends, MarkHealthy, MarkUnhealthy, Drain, Undrain, SetWeight,
// ResetWeight, ResetBackoff, Watch and GetEvents; BackendPoolOptions,
// DrainOptions, BackendSnapshot, BackendState, StateName, PoolEvent,
// PoolEventWatch with Next, TryNext and lost.
#ifndef MULTI_BACKEND_BACKEND_POOL_H_
#define MULTI_BACKEND_BACKEND_POOL_H_

#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/lb_policy/backends/event_watch.h"
#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/backends/pool.h"

#endif  // MULTI_BACKEND_BACKEND_POOL_H_

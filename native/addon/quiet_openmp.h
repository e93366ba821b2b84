#pragma once

namespace twill {

// Takes back what was set for libgomp alone: child processes need not inherit it.
void unset_spin_count();

}  // namespace twill

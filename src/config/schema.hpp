// Every key there is. Reading a key that is not listed here is a mistake of ours, giving
// one is a mistake of the operator's.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace orggate::config {

// The keys of one mapping. `path` is dotted from the root, with `*` for names that the
// operator chooses: `limits.*`. A list of mappings has the path of the list.
const std::vector<std::string_view>& keys_of(std::string_view path);

// The root of a tenants file, which is no section of the configuration.
inline constexpr std::string_view tenants_file_section = "(tenants file)";

// Whether the operator chooses the keys of this mapping.
bool has_free_keys(std::string_view path);

// Every dotted path: `drain`, `drain.delay`, `limits.*.rate`…
std::vector<std::string> all_key_paths();

}  // namespace orggate::config

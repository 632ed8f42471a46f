// A YAML text as a tree that remembers where everything stands. The only file that
// includes yaml-cpp is the one behind this header.

#pragma once

#include "orggate/config/load.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::config {

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Place {
    int line = 0, column = 0;  // from 1; 0: the file as a whole
};

struct Entry {
    std::string key;
    Place place;  // of the key
    NodePtr value;
};

struct Node {
    enum class Kind { null, scalar, list, map } kind = Kind::null;
    Place place;
    std::string text;            // of a scalar, as written
    std::vector<NodePtr> items;  // of a list
    std::vector<Entry> entries;  // of a map, in the order of the file, keys unique
};

struct Document {
    NodePtr root;  // null if the text could not be read at all
    std::vector<Problem> problems;
};

inline constexpr std::size_t max_file_size = 1u << 20;

// Problems: over max_file_size, not UTF-8 text, YAML errors, more than one document,
// repeated keys, merge keys, tags, an alias inside its own anchor, keys that are not text.
Document parse_document(std::string_view text);

// A problem with its place; `file` is filled in by load().
Problem make_problem(Place place, std::string message, bool is_warning = false);

}  // namespace orggate::config

// request_field_fate for a name that has been classified already.
// Pure.

#pragma once

#include "http/field_class.hpp"
#include "orggate/http/managed_fields.hpp"

#include <string_view>

namespace orggate::http {

FieldFate fate_of(std::string_view name, const NamedField& field, const HeaderNames& names);

}  // namespace orggate::http

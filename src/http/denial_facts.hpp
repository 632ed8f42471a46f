// What each refusal is called on the wire: the rescue table.
// Pure. Source: RFC 9110 section 15, RFC 6585, RFC 9209 section 2.3.

#pragma once

#include "orggate/denial.hpp"

#include <string_view>

namespace orggate::http {

// Which of the operator's pages can help a browser further.
enum class HelpPage { none, sign_in, tasks, choose_org, forbidden };

struct DenialFacts {
    int status;
    std::string_view proxy_error;  // an error type of RFC 9209
    std::string_view heading;      // of our page
    std::string_view text;         // says to a person what happened and what helps
    HelpPage page = HelpPage::none;
};

DenialFacts facts_of(Denial denial);

std::string_view reason_phrase(int status);

}  // namespace orggate::http

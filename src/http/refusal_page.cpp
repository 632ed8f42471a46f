// make_page: the refusal for a person. One file, no script, nothing loaded.

#include "http/denial_facts.hpp"
#include "http/refusal_body.hpp"
#include "http/refusal_redirect.hpp"

namespace orggate::http {

namespace {

constexpr std::string_view style =
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1c1c22;background:#f6f6f8}"
    "main{max-width:34rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:12px}"
    "h1{font-size:1.4rem;margin:0 0 .5rem}a{color:#3d35c9}"
    "dl{margin:1.5rem 0 0;font-size:.85rem;color:#55555f}dt{float:left;width:6rem}"
    "dd{margin:0 0 0 6rem;overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){body{color:#ececf1;background:#17171c}"
    "main{background:#222229}a{color:#a9a4ff}dl{color:#b4b4c0}}";

void append_escaped(std::string& out, std::string_view text)
{
    for (const char c : text) {
        switch (c) {
            case '&': out.append("&amp;"); break;
            case '<': out.append("&lt;"); break;
            case '>': out.append("&gt;"); break;
            case '"': out.append("&quot;"); break;
            case '\'': out.append("&#39;"); break;
            default: out += c;
        }
    }
}

void append_paragraph(std::string& out, std::string_view text)
{
    append_escaped(out.append("<p>"), text);
    out.append("</p>\n");
}

void append_link(std::string& out, std::string_view url, std::string_view text)
{
    // Nothing but a web address may ever be followed.
    if (!url.starts_with("https://") && !url.starts_with("http://")) return;
    append_escaped(out.append("<p><a href=\""), url);
    append_escaped(out.append("\">"), text);
    out.append("</a></p>\n");
}

void append_row(std::string& out, std::string_view term, std::string_view text)
{
    append_escaped(out.append("<dt>"), term);
    append_escaped(out.append("</dt><dd>"), text);
    out.append("</dd>\n");
}

std::string_view link_text(HelpPage page)
{
    switch (page) {
        case HelpPage::none:
        case HelpPage::forbidden: return {};
        case HelpPage::sign_in: return "Sign in";
        case HelpPage::tasks: return "Complete the sign-in";
        case HelpPage::choose_org: return "Choose an organisation";
    }
    return {};
}

// Why a redirect does not help, for whoever can mend it.
std::string_view likely_causes(HelpPage page)
{
    switch (page) {
        case HelpPage::none: return {};
        case HelpPage::sign_in:
            return "<ul><li>The browser does not keep the cookies of this site.</li>"
                   "<li>The sign-in page belongs to another Clerk instance than the gate's "
                   "publishable key.</li>"
                   "<li>This address is not among the gate's authorized parties.</li>"
                   "<li>A clock is wrong.</li></ul>\n";
        case HelpPage::tasks:
            return "<ul><li>The tasks page came back before the sign-in was complete.</li>"
                   "<li>The session cookie was not renewed after it.</li></ul>\n";
        case HelpPage::choose_org:
            return "<ul><li>The page that chooses an organisation did not make one active.</li>"
                   "<li>The session cookie was not renewed after it.</li>"
                   "<li>That page is itself behind the gate and demands an organisation.</li>"
                   "</ul>\n";
        case HelpPage::forbidden:
            return "<ul><li>The page for refused requests is itself behind the gate.</li></ul>\n";
    }
    return {};
}

bool is_worth_another_try(Denial denial)
{
    const int status = status_of(denial);
    return status == 409 || status == 429 || status >= 500 || denial == Denial::org_missing ||
           denial == Denial::redirect_loop;
}

void append_help(std::string& out, const Told& told, const Pages& pages)
{
    const Refusal& refusal = told.refusal;
    const HelpPage page = facts_of(refusal.denial).page;
    if (told.shown == Denial::redirect_loop) {
        append_paragraph(out, "Likely causes:");
        out.append(likely_causes(page));
    }
    if (refusal.denial == Denial::org_missing && pages.choose_org.empty())
        append_paragraph(out,
            "Choose or create an organisation in the application, then load this page again. "
            "If you belong to none, ask an administrator for an invitation.");
    if (refusal.retry_after > 0)
        append_paragraph(out, "Try again in " + std::to_string(refusal.retry_after) + " seconds.");

    std::string_view target = page_for(refusal.denial, pages);
    std::string_view text = link_text(page);
    if (refusal.denial == Denial::token_key_unknown) {
        target = pages.sign_in;
        text = link_text(HelpPage::sign_in);
    }
    if (!target.empty() && !text.empty())
        append_link(out, make_location(target, refusal.return_to), text);
    if (is_worth_another_try(told.shown)) append_link(out, refusal.return_to, "Try again");
}

}  // namespace

std::string make_page(const Told& told, const Pages& pages)
{
    const DenialFacts facts = facts_of(told.shown);
    std::string page =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>";
    append_escaped(page, facts.heading);
    page.append("</title><style>").append(style).append("</style></head>\n<body><main>\n<h1>");
    append_escaped(page, facts.heading);
    page.append("</h1>\n");
    append_paragraph(page, make_detail(told));
    append_help(page, told, pages);
    page.append("<dl>\n");
    append_row(page, "Status",
        std::to_string(facts.status) + " " + std::string(reason_phrase(facts.status)));
    append_row(page, "Code", code(told.shown));
    if (told.shown != told.refusal.denial) append_row(page, "Cause", code(told.refusal.denial));
    append_row(page, "Request", told.refusal.request_id);
    return page.append("</dl>\n</main></body></html>\n");
}

}  // namespace orggate::http

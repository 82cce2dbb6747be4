//! Pages of the console: one layout, and the only code that turns text into HTML.

use jiff::Timestamp;

use super::super::message::RawReply;

/// Escapes text for HTML. All text that a person entered or that came from an account goes through here.
pub(super) fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A moment for people.
pub(super) fn moment(second: i64) -> String {
    let time = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH).to_string();
    let time = time.trim_end_matches('Z').replace('T', " ");
    format!("{time} UTC")
}

/// A coloured label for a result.
pub(super) fn badge(status: &str) -> String {
    let class = match status {
        "SUCCESS" => "good",
        "PARTIAL_SUCCESS" => "fair",
        "FAILURE" => "bad",
        _ => "calm",
    };
    format!("<span class=\"badge {class}\">{}</span>", text(status))
}

const STYLE: &str = "
:root{--ink:#1d2733;--calm:#5b6775;--line:#d8dee6;--paper:#fff;--ground:#f4f6f8;--accent:#0b5cad;--good:#1a7f4b;--fair:#8a5a00;--bad:#b3261e}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
.rehearsal{background:#fff4d6;border-bottom:1px solid #e6cf8b;padding:.5rem 1.5rem;font-size:.9rem}
header{background:#14233a;color:#fff;padding:.8rem 1.5rem;display:flex;gap:2rem;align-items:baseline;flex-wrap:wrap}
header strong{font-size:1.1rem}
nav{display:flex;gap:1.2rem}
nav a{color:#cfe0f5;text-decoration:none;padding:.2rem 0;border-bottom:2px solid transparent}
nav a[aria-current]{color:#fff;border-color:#6fb1ff}
main{max-width:56rem;margin:1.5rem auto;padding:0 1.5rem}
h1{font-size:1.5rem;margin:.2rem 0 1rem}h2{font-size:1.1rem;margin:0 0 .5rem}
a{color:var(--accent)}
.card,details,fieldset{background:var(--paper);border:1px solid var(--line);border-radius:8px;margin:0 0 1rem;padding:1rem 1.2rem}
details{padding:0}summary{padding:.8rem 1.2rem;cursor:pointer;display:flex;gap:1rem;align-items:center;border-radius:8px}
summary::after{content:'Menu \\25be';margin-left:auto;color:var(--calm);font-size:.9rem}
.inside{border-top:1px solid var(--line);padding:1rem 1.2rem}
.menu{display:flex;gap:.6rem;flex-wrap:wrap;margin-bottom:1rem}.menu form{margin:0}
button,.button{font:inherit;border:1px solid var(--accent);background:var(--paper);color:var(--accent);border-radius:6px;padding:.45rem .9rem;cursor:pointer;text-decoration:none;display:inline-block}
button.primary,.button.primary{background:var(--accent);color:#fff}
button.danger{border-color:var(--bad);color:var(--bad)}
:focus-visible{outline:3px solid #6fb1ff;outline-offset:2px}
legend{font-weight:600;padding:0 .4rem}
label{display:block;font-weight:600;margin-top:.8rem}
input[type=text],input[type=password]{font:inherit;width:100%;max-width:32rem;padding:.45rem .6rem;border:1px solid #9aa6b2;border-radius:6px;background:#fff;color:inherit}
input[aria-invalid=true]{border-color:var(--bad)}
.switch{display:flex;gap:.6rem;align-items:center}.switch input{width:1.2rem;height:1.2rem}
.hint{color:var(--calm);font-size:.9rem;margin:.2rem 0 0}.wrong{color:var(--bad);margin:.2rem 0 0}
.push-fields{display:none;border-left:3px solid var(--line);padding-left:1rem;margin-top:.8rem}
form:has(#push_verification:checked) .push-fields{display:block}
table{border-collapse:collapse;width:100%;background:var(--paper);border:1px solid var(--line)}
th,td{text-align:left;vertical-align:top;padding:.5rem .7rem;border-bottom:1px solid var(--line);overflow-wrap:break-word}
@media (max-width:40rem){table{display:block;overflow-x:auto}}
.badge{border-radius:999px;white-space:nowrap;padding:.1rem .6rem;font-size:.8rem;font-weight:600;border:1px solid currentColor}
.good{color:var(--good)}.fair{color:var(--fair)}.bad{color:var(--bad)}.calm{color:var(--calm)}
pre{background:#0f1a2b;color:#e3edf9;padding:1rem;border-radius:6px;overflow:auto}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:0}dl+h2,ul+h2{margin-top:1.2rem}dt{color:var(--calm)}dd{margin:0;overflow-wrap:anywhere}
ul{margin:.3rem 0;padding-left:1.2rem}
.actions{display:flex;gap:.8rem;margin-top:1rem}
";

const NOTICE: &str = "This is a rehearsal: a simulation inside duoctl, not Cisco Identity Intelligence. Nothing here leaves this machine.";

/// A whole page. `body` is HTML.
pub(super) fn page(status: u16, title: &str, current: &str, body: &str, now: i64) -> RawReply {
    let link = |address: &str, name: &str| {
        let here = if name == current { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"{address}\"{here}>{name}</a>")
    };
    let nav = [
        link("/console/integrations", "Integrations"),
        link("/console/api-clients", "API Clients"),
        link("/console/logs", "System Logs"),
    ]
    .concat();
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} - Identity Intelligence (rehearsal)</title>\
         <style>{STYLE}</style></head><body><div class=\"rehearsal\" role=\"note\">{NOTICE}</div>\
         <header><strong>Identity Intelligence</strong><nav aria-label=\"Console\">{nav}</nav></header>\
         <main><h1>{title}</h1>{body}</main></body></html>\n",
        title = text(title),
    );
    let mut reply = RawReply::new(status, "text/html; charset=utf-8", html.into_bytes(), now);
    protect(&mut reply);
    reply
}

/// After a change the browser loads another page, so that a reload does not repeat it.
pub(super) fn redirect(address: &str, now: i64) -> RawReply {
    let mut reply = RawReply::new(303, "text/plain", Vec::new(), now);
    reply.headers.push(("Location", address.to_owned()));
    protect(&mut reply);
    reply
}

/// No scripts, foreign content, frames or caching. Forms send their origin, which is checked.
fn protect(reply: &mut RawReply) {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    reply.headers.extend([
        ("Content-Security-Policy", policy.to_owned()),
        ("Cache-Control", "no-store".to_owned()),
        ("Referrer-Policy", "same-origin".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
        ("X-Frame-Options", "DENY".to_owned()),
    ]);
}

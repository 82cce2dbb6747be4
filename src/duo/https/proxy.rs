//! The proxy variables of the environment. The HTTP client ignores invalid ones and connects to Duo directly. Here they are
//! an error that names the variable but never shows its value: it may contain a password.

use std::ffi::OsString;

use reqwest::Url;

/// The variables that set the HTTPS proxy.
const PLACES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// The variables that exclude hosts from it.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The first invalid variable, and why it is invalid.
pub(super) fn fault(variable: impl Fn(&str) -> Option<OsString>) -> Option<(&'static str, &'static str)> {
    let set =
        |name: &&'static str| variable(name).filter(|value| !value.is_empty()).map(|value| (*name, value));
    let place = PLACES.iter().filter_map(set).find_map(|(name, value)| {
        let fault = value.to_str().map_or(Some("it is not UTF-8 text"), place);
        Some((name, fault?))
    });
    place.or_else(|| {
        let mut exceptions = EXCEPTIONS.iter().filter_map(set);
        exceptions
            .find_map(|(name, value)| value.to_str().is_none().then_some((name, "it is not UTF-8 text")))
    })
}

fn place(text: &str) -> Option<&'static str> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'')) {
        return Some("it contains whitespace or quotes");
    }
    let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    match Url::parse(&url) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Some("only http:// and https:// proxies are supported")
        }
        Ok(url) if url.host_str().is_some_and(|host| !host.is_empty()) => None,
        Ok(_) | Err(_) => Some("it is not a proxy URL such as http://proxy.example.com:3128"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_the_client_would_ignore_is_an_error() {
        let found = |name: &'static str, value: &str| {
            fault(|asked| (asked == name).then(|| OsString::from(value))).map(|(name, _)| name)
        };
        for name in PLACES {
            for usable in [
                "http://proxy.example.com:3128",
                "proxy.example.com:3128",
                "proxy",
                "https://user:p%40ss@proxy:443/",
                "http://[::1]:3128",
                "",
            ] {
                assert_eq!(found(name, usable), None, "{name}={usable}");
            }
            for unusable in [
                "http://",
                "://x",
                "http://proxy:99999",
                "proxy:port",
                "socks5://proxy:1080",
                "http:// proxy",
                "\"proxy\"",
                "proxy example",
                " ",
                "http://[::1",
                "ht tp://x",
                "/",
                "http://a\nb",
                "user:pass@",
            ] {
                assert_eq!(found(name, unusable), Some(name), "{name}={unusable}");
            }
        }
        assert_eq!(found("NO_PROXY", "localhost, *.example.com"), None);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf_8_is_an_error() {
        use std::os::unix::ffi::OsStringExt as _;
        for name in PLACES.into_iter().chain(EXCEPTIONS) {
            let value = |asked: &str| (asked == name).then(|| OsString::from_vec(b"http://p\xff:1".to_vec()));
            assert_eq!(fault(value), Some((name, "it is not UTF-8 text")));
        }
    }
}

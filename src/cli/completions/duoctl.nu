# Asks duoctl at each TAB; other commands keep the completer that was configured before.
let duoctl_others = $env.config.completions?.external?.completer?
$env.config.completions.external.enable = true
$env.config.completions.external.completer = {|spans|
    if ($spans.0 | path parse | get stem) != 'duoctl' {
        return (if $duoctl_others == null { null } else { do $duoctl_others $spans })
    }
    let found = with-env {COMPLETE: nushell} { do { ^duoctl -- ...$spans } | complete | get stdout } | lines | each {|line|
        let parts = $line | split row "\t"
        {value: $parts.0, description: ($parts.1? | default '')}
    }
    # With null, Nushell completes files.
    if ($found | is-empty) { null } else { $found }
}

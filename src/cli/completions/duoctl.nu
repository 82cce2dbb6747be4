# Asks duoctl at each TAB, and every other completer about every other command.
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
    # Nothing leaves it to Nushell, which completes files.
    if ($found | is-empty) { null } else { $found }
}

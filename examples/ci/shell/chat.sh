#!/usr/bin/env bash
# Posts the result of a command to a chat: chat.sh slack|teams [DOCUMENT]. DOCUMENT is the JSON that plan, drift, apply or
# verify wrote (--report json=FILE, or --format json on the input). CHAT_URL is the webhook: an incoming webhook of Slack,
# or a workflow of Teams. RUN_URL, if set, becomes a link.
#
# The message has only addresses, counts and words of duoctl, and nothing in it becomes a link, a mention or markup.
set -euo pipefail

kind=$1
document=${2:--}
payload=$(cat "$document" | jq --arg kind "$kind" --arg run "${RUN_URL:-}" '
  def count($n; $one): "\($n) \($one)\(if $n == 1 then "" else "s" end)";
  def numbers($names): [$names[] as $name | "\(.[$name]) \($name)"] | join(", ");
  (if .kind == "drift" then
     if .drifted.in_duo == [] then "Duo matches the YAML"
     else "\(count(.drifted.in_duo | length; "application")) changed in Duo: \(.drifted.in_duo | join(", "))" end
   elif .kind == "plan" then
     "planned: \(.summary | numbers(["add", "change", "adopt", "delete"]))"
     + (if .refusals == [] then "" else "; refused: \([.refusals[].guard] | unique | join(", "))" end)
   elif .kind == "apply" then "applied: \(.summary | numbers(["applied", "failed", "not_attempted"]))"
   elif .kind == "verify" then "verified: \(.summary | numbers(["verified", "not_testable", "inconclusive", "failed"]))"
   elif .kind == "failure" then "\(.command) failed with exit code \(.exit_code)"
   else error("chat.sh has no message for a document of the kind \(.kind)") end) as $what
  | (.risks // {} | to_entries | map("\(.value) \(.key)") | join(", ")) as $risks
  | "duoctl \(.workspace // .plan.workspace // ""): \($what)\(if $risks == "" then "" else "; risks: \($risks)" end)" as $text
  | if $kind == "slack" then
      {text: $text, blocks: ([{type: "section", text: {type: "plain_text", text: $text[:3000]}}]
        + if $run == "" then [] else [{type: "actions", elements: [
            {type: "button", text: {type: "plain_text", text: "Open the run"}, url: $run}]}] end)}
    elif $kind == "teams" then
      {type: "message", attachments: [{contentType: "application/vnd.microsoft.card.adaptive", content: (
        {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", type: "AdaptiveCard", version: "1.4",
         body: [{type: "RichTextBlock", inlines: [{type: "TextRun", text: $text}]}]}
        + if $run == "" then {} else {actions: [{type: "Action.OpenUrl", title: "Open the run", url: $run}]} end)}]}
    else error("slack or teams, not \($kind)") end
')
# The URL is a secret, so it is on no command line.
curl --fail --silent --show-error --output /dev/null --header 'Content-Type: application/json' \
  --data @- --config <(printf 'url = "%s"\n' "${CHAT_URL:?}") <<< "$payload"

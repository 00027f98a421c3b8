#!/usr/bin/env bash
# Writes the Markdown report as one comment of a pull request, in place of the comment of an earlier run.
# NUMBER is the pull request, REPORTS the folder of the report; gh takes the token from GH_TOKEN.
set -euo pipefail

marker='<!-- paritygate -->'
report="$REPORTS/paritygate.md"
[ -f "$report" ] || exit 0
body="$REPORTS/comment.md"
{
  echo "$marker"
  head -c 60000 "$report" # a comment holds 65,536 characters
} >"$body"
comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
known=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$marker\")) | .id")
old=${known%%$'\n'*}
if [ -n "$old" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$old" --field body=@"$body"
else
  gh api --silent --method POST "$comments" --field body=@"$body"
fi

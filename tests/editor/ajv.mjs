// Validates instances with ajv. {"schema", "instances": [{"name", "value"}]} on stdin; {"name": accepted} on stdout. With
// "catalogue", the keywords of that catalogue entry: as SchemaStore's check of a schema does, or {"error"}.
import Ajv from 'ajv';
import { readFileSync } from 'node:fs';

const { schema, catalogue, instances } = JSON.parse(readFileSync(0, 'utf8'));
// Keywords that only editors read; any other unknown keyword is an error.
const known = ['defaultSnippets', 'enumDescriptions', 'markdownDescription', 'x-intellij-enum-metadata', 'x-intellij-html-description'];
const own = ['doNotSuggest', 'errorMessage', 'patternErrorMessage'];
// SchemaStore's options for a schema with unions of types, and in addition `strictRequired`, which it asks of others.
const lenient = { strictTypes: false, strictTuples: false, allowMatchingProperties: true, strictRequired: true };
const ajv = new Ajv({ strict: true, allErrors: true, ...lenient });
for (const word of [...known, ...(catalogue ?? own)]) ajv.addKeyword(word);
try {
  const validate = ajv.compile(schema);
  const accepted = instances.map(({ name, value }) => [name, validate(value)]);
  process.stdout.write(JSON.stringify(Object.fromEntries(accepted)));
} catch (error) {
  if (!catalogue) throw error;
  process.stdout.write(JSON.stringify({ error: error.message }));
}

// Validates instances with ajv. {"schema", "instances": [{"name", "value"}]} on stdin; {"name": accepted} on stdout.
import Ajv from 'ajv';
import { readFileSync } from 'node:fs';

const { schema, instances } = JSON.parse(readFileSync(0, 'utf8'));
// Keywords that only editors read; any other unknown keyword is an error.
const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true });
for (const word of [
  'defaultSnippets', 'doNotSuggest', 'enumDescriptions', 'errorMessage', 'markdownDescription', 'patternErrorMessage',
]) ajv.addKeyword(word);
const validate = ajv.compile(schema);
const accepted = instances.map(({ name, value }) => [name, validate(value)]);
process.stdout.write(JSON.stringify(Object.fromEntries(accepted)));

//! SAML metadata of an identity provider, from a document that anyone may have changed on its way: no DTD, no entities,
//! bounded in size (by the fetch) and depth.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

/// How deeply elements may be nested.
const DEPTH: usize = 64;
/// How many certificates are looked at.
const CERTIFICATES: usize = 16;

const METADATA: Namespace<'_> = Namespace(b"urn:oasis:names:tc:SAML:2.0:metadata");
const SIGNATURE: Namespace<'_> = Namespace(b"http://www.w3.org/2000/09/xmldsig#");

/// What the checks need of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    /// The entity ID of the document.
    pub(super) entity_id: String,
    /// The signing certificates, in DER.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Where the reader is.
#[derive(Default)]
struct Reading {
    depth: usize,
    entity_id: Option<String>,
    /// Inside `IDPSSODescriptor`.
    provider: Option<usize>,
    /// Inside a `KeyDescriptor` for signatures of it.
    key: Option<usize>,
    /// The text of the certificate that is being read.
    certificate: Option<String>,
    found: Vec<String>,
    has_provider: bool,
    has_root: bool,
}

/// Reads a document; the error says what is wrong with it.
pub(super) fn read(bytes: &[u8]) -> Result<Metadata, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text")?;
    let mut reader = NsReader::from_str(text);
    let mut state = Reading::default();
    loop {
        match reader.read_resolved_event().map_err(|_| "it is not well-formed XML")? {
            (_, Event::Eof) => break,
            (_, Event::DocType(_)) => return Err("it has a DOCTYPE, which metadata does not need"),
            (namespace, Event::Start(element)) => state.open(&namespace, &element)?,
            (namespace, Event::Empty(element)) => {
                state.open(&namespace, &element)?;
                state.close();
            }
            (_, Event::End(_)) => state.close(),
            (_, Event::Text(text)) => state.text(&text)?,
            (_, Event::CData(text)) => state.text(&text)?,
            (_, Event::GeneralRef(reference)) => state.reference(&reference)?,
            (_, Event::Decl(_) | Event::PI(_) | Event::Comment(_)) => {}
        }
    }
    state.finish()
}

impl Reading {
    fn open(&mut self, namespace: &ResolveResult<'_>, element: &BytesStart<'_>) -> Result<(), &'static str> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("its elements are nested too deeply");
        }
        let name = element.local_name();
        let is = |wanted: Namespace<'_>, local: &[u8]| {
            *namespace == ResolveResult::Bound(wanted) && name.as_ref() == local
        };
        if self.depth == 1 {
            if std::mem::replace(&mut self.has_root, true) {
                return Err("it has several roots");
            }
            if !is(METADATA, b"EntityDescriptor") {
                return Err("its root is not an EntityDescriptor");
            }
            self.entity_id = attribute(element, "entityID")?;
        } else if self.depth == 2 && is(METADATA, b"IDPSSODescriptor") {
            (self.provider, self.has_provider) = (Some(self.depth), true);
        } else if self.provider.is_some() && is(METADATA, b"KeyDescriptor") {
            let signs = attribute(element, "use")?.is_none_or(|usage| usage == "signing");
            self.key = signs.then_some(self.depth);
        } else if self.key.is_some() && is(SIGNATURE, b"X509Certificate") {
            self.certificate = Some(String::new());
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some(text) = self.certificate.take() {
            self.found.push(text);
        }
        let depth = self.depth;
        self.key = self.key.filter(|open| *open < depth);
        self.provider = self.provider.filter(|open| *open < depth);
        self.depth = depth.saturating_sub(1);
    }

    fn text(&mut self, text: &[u8]) -> Result<(), &'static str> {
        if let Some(certificate) = &mut self.certificate {
            certificate.push_str(std::str::from_utf8(text).map_err(|_| "it is not UTF-8 text")?);
        }
        Ok(())
    }

    /// Nothing that is read may contain an entity; some software writes line ends as character references.
    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), &'static str> {
        let resolved = reference.resolve_char_ref().ok().flatten();
        match (resolved, &self.certificate) {
            (Some(character), _) if character.is_ascii_whitespace() => Ok(()),
            (_, None) => Ok(()),
            (_, Some(_)) => Err("a certificate in it contains an entity"),
        }
    }

    fn finish(self) -> Result<Metadata, &'static str> {
        if self.depth != 0 {
            return Err("it ends early");
        }
        let entity_id = self.entity_id.ok_or("it has no entity ID")?;
        if !self.has_provider {
            return Err("it does not describe an identity provider");
        }
        if self.found.len() > CERTIFICATES {
            return Err("it has too many certificates");
        }
        let decoded = self.found.iter().map(|text| {
            let packed: String = text.split_ascii_whitespace().collect();
            BASE64_STANDARD.decode(packed).map_err(|_| "a certificate in it is not Base64")
        });
        Ok(Metadata { entity_id, certificates: decoded.collect::<Result<_, _>>()? })
    }
}

/// An attribute; only the entities of XML itself are known.
fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, &'static str> {
    let broken = "an attribute in it is malformed";
    let Some(attribute) = element.try_get_attribute(name).map_err(|_| broken)? else { return Ok(None) };
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| broken)?;
    Ok(Some(value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn document(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?><md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"https://a.example/m?x=1&amp;y=2\">{inside}</md:EntityDescriptor>"
        )
    }

    fn provider(keys: &str) -> String {
        document(&format!("<md:IDPSSODescriptor>{keys}</md:IDPSSODescriptor>"))
    }

    fn key(attributes: &str, certificate: &str) -> String {
        format!(
            "<md:KeyDescriptor {attributes}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    }

    #[test]
    fn the_entity_and_its_signing_certificates_are_read() {
        let text = provider(&format!(
            "{}{}{}",
            key("use=\"signing\"", "\n b25l&#13;\n "),
            key("use=\"encryption\"", "bm8="),
            key("", "<![CDATA[dHdv]]>")
        ));
        let metadata = read(text.as_bytes()).unwrap();
        assert_eq!(metadata.entity_id, "https://a.example/m?x=1&y=2");
        assert_eq!(metadata.certificates, [b"one".to_vec(), b"two".to_vec()]);
        // Keys of another role are not the provider's.
        let other = document(&format!("<md:SPSSODescriptor>{}</md:SPSSODescriptor>", key("", "bm8=")));
        assert_eq!(read(other.as_bytes()), Err("it does not describe an identity provider"));
    }

    #[test]
    fn what_is_not_metadata_is_named() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]>".to_owned() + &provider("");
        let outside = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>".to_owned()
            + &provider(&key("", "&e;"));
        let deep = provider(&format!("{}{}", "<md:a>".repeat(100), "</md:a>".repeat(100)));
        let many = provider(&key("", "YQ==").repeat(CERTIFICATES + 1));
        let id = provider("").replace("https://a.example/m?x=1&amp;y=2", "&e;");
        for (text, reason) in [
            (bomb, "it has a DOCTYPE, which metadata does not need"),
            (outside, "it has a DOCTYPE, which metadata does not need"),
            (deep, "its elements are nested too deeply"),
            (many, "it has too many certificates"),
            (provider(&key("", "&e;")), "a certificate in it contains an entity"),
            (provider(&key("", "&#65;")), "a certificate in it contains an entity"),
            (provider(&key("", "?")), "a certificate in it is not Base64"),
            (id, "an attribute in it is malformed"),
            (provider("").replace("entityID", "id"), "it has no entity ID"),
            (provider("").replace("SAML:2.0:metadata", "x"), "its root is not an EntityDescriptor"),
            ("<html><body>Bad Gateway</body></html>".to_owned(), "its root is not an EntityDescriptor"),
            (provider("").replace("</md:EntityDescriptor>", ""), "it ends early"),
            (provider("<md:a>"), "it is not well-formed XML"),
            (String::new(), "it has no entity ID"),
        ] {
            assert_eq!(read(text.as_bytes()), Err(reason), "{text:.120}");
        }
        assert_eq!(read(b"\xff\xfe<\0"), Err("it is not UTF-8 text"));
    }

    proptest! {
        #[test]
        fn no_document_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..600) {
            let _ = read(&bytes);
            let text = provider(&key("use='signing'", "YQ=="));
            let at = cut.min(text.len());
            let _ = read(&[&text.as_bytes()[..at], &bytes[..], &text.as_bytes()[at..]].concat());
        }
    }
}

//! JSX.

use crate::generate::{Kind, Writer};
use crate::write::{Code, Level, and, choice, indented};

impl Writer<'_> {
    pub fn element(&mut self, depth: usize) -> Code {
        if depth == 0 {
            let n = self.number();
            return Code::primary(format!("<i n={{at({n}, 1)}} />"));
        }
        match self.below(8) {
            0 => {
                let n = self.number();
                Code::primary(format!("<i n={{at({n}, 1)}} />"))
            }
            1 => self.with_property(depth),
            2 => self.feature(depth),
            3 => self.gate(depth),
            4 => self.around("<>", "</>", depth),
            5 => self.around("<Fragment>", "</Fragment>", depth),
            _ => self.around("<p>", "</p>", depth),
        }
    }

    fn with_property(&mut self, depth: usize) -> Code {
        let value = self.value(depth - 1);
        match self.below(3) {
            0 => Code::primary(format!("<b on={{{}}} />", value.within(Level::Function))),
            1 => {
                let read = self.read_variant().text;
                Code::primary(format!("<b on={{{read}}} a=\"1\" />"))
            }
            _ => Code::primary(format!("<b class={{`a ${{{}}}`}} />", value.text)),
        }
    }

    /// The SDK's own component.
    fn feature(&mut self, depth: usize) -> Code {
        let key = self.key().replace('\'', "\"");
        let fits = ["", " match={true}", " match=\"test\"", " match={false}"][self.below(4)];
        let fallback = match self.below(2) {
            1 => format!(" fallback={{{}}}", self.element(depth - 1).text),
            _ => String::new(),
        };
        self.around(&format!("<PostHogFeature flag={key}{fits}{fallback}>"), "</PostHogFeature>", depth)
    }

    /// A component of one's own that asks for a flag.
    fn gate(&mut self, depth: usize) -> Code {
        let Some(gate) = self.variable(|it| it.kind == Kind::Component) else { return self.feature(depth) };
        let key = self.key().replace('\'', "\"");
        let fallback = match self.below(2) {
            1 => format!(" fallback={{{}}}", self.element(depth - 1).text),
            _ => String::new(),
        };
        let name = gate.name;
        self.around(&format!("<{name} flag={key}{fallback}>"), &format!("</{name}>"), depth)
    }

    fn around(&mut self, open: &str, close: &str, depth: usize) -> Code {
        let is_one_line = self.below(2) == 0;
        let n = self.below(4);
        let children: Vec<String> = (0..n).map(|_| self.child(depth - 1)).collect();
        if is_one_line {
            return Code::primary(format!("{open}{}{close}", children.join("")));
        }
        let lines: Vec<String> = children.iter().flat_map(|it| it.split('\n')).map(str::to_owned).collect();
        Code::primary(format!("{open}\n{}\n{close}", indented(lines, self.tab).join("\n")))
    }

    fn child(&mut self, depth: usize) -> String {
        match self.below(9) {
            0 => "text".into(),
            1 | 2 => {
                let (test, shown) = (self.condition(depth), self.element(depth));
                format!("{{{}}}", and(self.language, &test, &shown).text)
            }
            3 | 4 => {
                let (test, yes) = (self.condition(depth), self.shown(depth));
                let no = self.shown(depth);
                format!("{{{}}}", choice(self.language, &test, &yes, &no).text)
            }
            5 => format!("{{{}}}", self.value(depth).within(Level::Function)),
            6 => "{/* says why */}".into(),
            7 => self.element(depth).text,
            _ => " some text ".into(),
        }
    }

    fn shown(&mut self, depth: usize) -> Code {
        match self.below(4) {
            0 => Code::primary("null"),
            1 => Code::primary("'words'"),
            2 => {
                let shown = self.element(depth).text;
                Code::primary(format!(
                    "(\n{}{}\n)",
                    self.tab,
                    shown.replace('\n', &format!("\n{}", self.tab))
                ))
            }
            _ => self.element(depth),
        }
    }
}

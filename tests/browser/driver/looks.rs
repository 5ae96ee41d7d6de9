//! How a page looks, and to whom it does not: pictures, barriers, and what does not fit.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Browser;
use super::starting::{Kind, PHONE};

/// What is left of 1280 pixels at 400 % (WCAG 2.2, 1.4.10).
const NARROW: u32 = 320;

impl Browser {
    /// In CSS pixels.
    pub async fn content_width(&self) -> f64 {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({})).await;
        metrics["cssContentSize"]["width"].as_f64().unwrap()
    }

    /// What sticks out to the side: on the narrowest of screens, and on a phone with letters of twice the size (WCAG 2.2,
    /// 1.4.4 and 1.4.10).
    pub async fn overflows(&self) -> Vec<String> {
        let outside = "JSON.stringify([...document.querySelectorAll('body *')]
            .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
            .map((e) => e.outerHTML.slice(0, 120))
            .concat(document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['it scrolls'] : []))";
        let mut found = vec![];
        for (what, width, letters) in [("narrow", NARROW, "100%"), ("large", PHONE, "200%")] {
            self.resize(width).await;
            self.evaluate(&format!("document.documentElement.style.fontSize = '{letters}'")).await;
            let told = self.evaluate(outside).await;
            let told: Vec<String> = serde_json::from_str(told.as_str().unwrap()).unwrap();
            found.extend(told.into_iter().map(|text| format!("{what}: {text}")));
        }
        self.evaluate("document.documentElement.style.fontSize = ''").await;
        self.resize(PHONE).await;
        self.evaluate("scrollTo(0, 0), new Promise((shown) => requestAnimationFrame(() => shown(1)))").await;
        found
    }

    /// As the driver itself makes a phone of it: else it clicks beside what it means to.
    async fn resize(&self, width: u32) {
        let metrics = json!({"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": true});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What axe-core finds that keeps people from using the page, in light and in dark. Without JavaScript there is
    /// nobody who could look.
    pub async fn barriers(&self) -> Vec<String> {
        if self.kind == Kind::Plain {
            return vec![];
        }
        let path =
            std::env::var("MOBID_TEST_AXE").expect("axe-core is missing: run ./test, or set MOBID_TEST_AXE");
        let axe = std::fs::read_to_string(path).unwrap();
        // The inspector's scripts run whatever the page's policy says.
        self.evaluate(&format!("{axe}\n;0")).await;
        let mut found = vec![];
        for scheme in ["light", "dark"] {
            self.prefer(scheme).await;
            let grave = "axe.run().then(({ violations, passes }) => JSON.stringify({ looked: passes.length, grave: violations
                .filter(({ impact }) => ['serious', 'critical'].includes(impact))
                .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`) }))";
            let told: Value = serde_json::from_str(self.evaluate(grave).await.as_str().unwrap()).unwrap();
            assert!(told["looked"].as_u64() > Some(10), "{told}");
            let grave = told["grave"].as_array().unwrap().iter();
            found.extend(grave.map(|text| format!("{scheme}: {}", text.as_str().unwrap())));
        }
        found
    }

    async fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Pictures of the whole page, in light and in dark; with JavaScript it looks the same.
    pub async fn shoot(&self, name: &str) {
        if self.kind != Kind::Phone {
            self.picture(name).await;
        }
    }

    /// The same on whatever screen.
    pub async fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        for scheme in ["light", "dark"] {
            self.prefer(scheme).await;
            let params = json!({"format": "png", "captureBeyondViewport": true});
            let picture = self.devtools("Page.captureScreenshot", params).await;
            let png = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
            std::fs::write(folder.join(format!("{name}-{scheme}.png")), png).unwrap();
        }
    }
}

//! Shortest digits of a double by Grisu2, the algorithm that Redis 7.2 prints doubles with.
//!
//! Grisu2 is exact to read back but in about one of a thousand doubles not the shortest (or not
//! the closest) text: 6.8085e20 prints as 680849999999999900000. Clients compare such texts, so a
//! perfect printer would be visibly different; measured against 7.2.6, a shortest printer
//! differed in 72 of 30,000 doubles.
//!
//! A double `w` stands between two boundaries, half way to its neighbours. All three are scaled
//! by a power of ten from a table, so that the integer part fits 32 bits; then digits of the upper
//! boundary are produced until what is left is less than the interval, and the last digit is
//! moved towards `w`.
//!
//! Source: Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with
//! Integers", PLDI 2010.

/// A floating point number without a sign: `significand x 2^exponent`.
#[derive(Clone, Copy)]
struct Float {
    significand: u64,
    exponent: i32,
}

impl Float {
    fn normalized(self) -> Self {
        let shift = self.significand.leading_zeros();
        Self { significand: self.significand << shift, exponent: self.exponent - shift as i32 }
    }

    /// The product's upper 64 bits, rounded half up.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.significand) * u128::from(other.significand);
        Self {
            significand: ((product + (1 << 63)) >> 64) as u64,
            exponent: self.exponent + other.exponent + 64,
        }
    }
}

/// Digits, most significant first.
pub(crate) struct Digits {
    bytes: [u8; 20],
    count: usize,
    /// The power of ten of the last digit.
    pub(crate) exponent: i32,
}

impl Digits {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.count]
    }

    /// Appends a digit; zeros in front are left out.
    fn push(&mut self, digit: u64) {
        if digit != 0 || self.count > 0 {
            self.bytes[self.count] = b'0' + digit as u8;
            self.count += 1;
        }
    }

    /// Lowers the last digit (by `unit`) as long as that brings `rest`, the distance from the
    /// upper boundary, closer to `target` and stays above the lower boundary.
    fn round(&mut self, mut rest: u64, target: u64, interval: u64, unit: u64) {
        while rest < target
            && interval - rest >= unit
            && (rest + unit < target || target - rest > rest + unit - target)
        {
            self.bytes[self.count - 1] -= 1;
            rest += unit;
        }
    }
}

/// The digits of a finite double above zero.
pub(crate) fn digits(value: f64) -> Digits {
    debug_assert!(value > 0.0 && value.is_finite());
    const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    const HIDDEN_BIT: u64 = 1 << FRACTION_BITS;
    const EXPONENT_BIAS: i32 = f64::MAX_EXP - 1 + FRACTION_BITS as i32;
    let bits = value.to_bits();
    let fraction = bits & (HIDDEN_BIT - 1);
    let number = match (bits >> FRACTION_BITS) as i32 {
        0 => Float { significand: fraction, exponent: 1 - EXPONENT_BIAS },
        biased => Float { significand: fraction | HIDDEN_BIT, exponent: biased - EXPONENT_BIAS },
    };
    let halved = Float { significand: 2 * number.significand + 1, exponent: number.exponent - 1 };
    let upper = halved.normalized();
    // Below a power of two the neighbours are half as far apart.
    let shift = if number.significand == HIDDEN_BIT { 2 } else { 1 };
    let lower_exponent = number.exponent - shift;
    let lower = Float {
        significand: ((number.significand << shift) - 1) << (lower_exponent - upper.exponent),
        exponent: upper.exponent,
    };
    let (power, decimal_exponent) = cached_power(upper.exponent);
    let (mut upper, mut lower) = (upper.times(power), lower.times(power));
    // The products may be off by one: narrow the interval to what is certain.
    upper.significand -= 1;
    lower.significand += 1;
    let interval = upper.significand - lower.significand;
    let target = upper.significand - number.normalized().times(power).significand;
    generate(upper, target, interval, -decimal_exponent)
}

/// Produces digits of `upper` until what is left of it is below `interval`.
fn generate(upper: Float, target: u64, mut interval: u64, exponent: i32) -> Digits {
    let mut digits = Digits { bytes: [0; 20], count: 0, exponent };
    let point = upper.exponent.unsigned_abs();
    let one = 1u64 << point;
    let (mut whole, mut fraction) = (upper.significand >> point, upper.significand & (one - 1));
    let mut unit = 1_000_000_000;
    for place in (0..10).rev() {
        digits.push(whole / unit);
        whole %= unit;
        let rest = (whole << point) + fraction;
        if rest <= interval {
            digits.exponent += place;
            digits.round(rest, target, interval, unit << point);
            return digits;
        }
        unit /= 10;
    }
    let mut scale = 1u64;
    loop {
        fraction *= 10;
        interval *= 10;
        scale *= 10;
        digits.exponent -= 1;
        digits.push(fraction >> point);
        fraction &= one - 1;
        if fraction < interval {
            digits.round(fraction, target.wrapping_mul(scale), interval, one);
            return digits;
        }
    }
}

/// A power of ten that brings a number of this binary exponent to one of -60 to -32, so that its
/// integer part has 4 to 32 bits; and its decimal exponent. Where two would do, the first from
/// the estimate counts: it decides over the last digit.
fn cached_power(exponent: i32) -> (Float, i32) {
    let estimate = -f64::from(exponent + POWERS.len() as i32) * std::f64::consts::LOG10_2;
    let mut index = (estimate as i32 - POWER_FIRST) / POWER_STEP;
    loop {
        let decimal = POWER_FIRST + index * POWER_STEP;
        // The binary exponent of 10^n is floor(n log2(10)): exact in this form for |n| < 650.
        let binary = ((decimal * 1_741_647) >> 19) - 63;
        match exponent + binary + 64 {
            ..-60 => index += 1,
            -60..=-32 => {
                return (Float { significand: POWERS[index as usize], exponent: binary }, decimal);
            }
            _ => index -= 1,
        }
    }
}

const POWER_FIRST: i32 = -348;
const POWER_STEP: i32 = 8;

/// The upper 64 bits, rounded, of every eighth power of ten from 10^-348 to 10^340.
#[rustfmt::skip]
const POWERS: [u64; 87] = [
    0xfa8f_d5a0_081c_0288, 0xbaae_e17f_a23e_bf76, 0x8b16_fb20_3055_ac76, 0xcf42_894a_5dce_35ea,
    0x9a6b_b0aa_5565_3b2d, 0xe61a_cf03_3d1a_45df, 0xab70_fe17_c79a_c6ca, 0xff77_b1fc_bebc_dc4f,
    0xbe56_91ef_416b_d60c, 0x8dd0_1fad_907f_fc3c, 0xd351_5c28_3155_9a83, 0x9d71_ac8f_ada6_c9b5,
    0xea9c_2277_23ee_8bcb, 0xaecc_4991_4078_536d, 0x823c_1279_5db6_ce57, 0xc210_9436_4dfb_5637,
    0x9096_ea6f_3848_984f, 0xd774_85cb_2582_3ac7, 0xa086_cfcd_97bf_97f4, 0xef34_0a98_172a_ace5,
    0xb238_67fb_2a35_b28e, 0x84c8_d4df_d2c6_3f3b, 0xc5dd_4427_1ad3_cdba, 0x936b_9fce_bb25_c996,
    0xdbac_6c24_7d62_a584, 0xa3ab_6658_0d5f_daf6, 0xf3e2_f893_dec3_f126, 0xb5b5_ada8_aaff_80b8,
    0x8762_5f05_6c7c_4a8b, 0xc9bc_ff60_34c1_3053, 0x964e_858c_91ba_2655, 0xdff9_7724_7029_7ebd,
    0xa6df_bd9f_b8e5_b88f, 0xf8a9_5fcf_8874_7d94, 0xb944_7093_8fa8_9bcf, 0x8a08_f0f8_bf0f_156b,
    0xcdb0_2555_6531_31b6, 0x993f_e2c6_d07b_7fac, 0xe45c_10c4_2a2b_3b06, 0xaa24_2499_6973_92d3,
    0xfd87_b5f2_8300_ca0e, 0xbce5_0864_9211_1aeb, 0x8cbc_cc09_6f50_88cc, 0xd1b7_1758_e219_652c,
    0x9c40_0000_0000_0000, 0xe8d4_a510_0000_0000, 0xad78_ebc5_ac62_0000, 0x813f_3978_f894_0984,
    0xc097_ce7b_c907_15b3, 0x8f7e_32ce_7bea_5c70, 0xd5d2_38a4_abe9_8068, 0x9f4f_2726_179a_2245,
    0xed63_a231_d4c4_fb27, 0xb0de_6538_8cc8_ada8, 0x83c7_088e_1aab_65db, 0xc45d_1df9_4271_1d9a,
    0x924d_692c_a61b_e758, 0xda01_ee64_1a70_8dea, 0xa26d_a399_9aef_774a, 0xf209_787b_b47d_6b85,
    0xb454_e4a1_79dd_1877, 0x865b_8692_5b9b_c5c2, 0xc835_53c5_c896_5d3d, 0x952a_b45c_fa97_a0b3,
    0xde46_9fbd_99a0_5fe3, 0xa59b_c234_db39_8c25, 0xf6c6_9a72_a398_9f5c, 0xb7dc_bf53_54e9_bece,
    0x88fc_f317_f222_41e2, 0xcc20_ce9b_d35c_78a5, 0x9816_5af3_7b21_53df, 0xe2a0_b5dc_971f_303a,
    0xa8d9_d153_5ce3_b396, 0xfb9b_7cd9_a4a7_443c, 0xbb76_4c4c_a7a4_4410, 0x8bab_8eef_b640_9c1a,
    0xd01f_ef10_a657_842c, 0x9b10_a4e5_e991_3129, 0xe710_9bfb_a19c_0c9d, 0xac28_20d9_623b_f429,
    0x8044_4b5e_7aa7_cf85, 0xbf21_e440_03ac_dd2d, 0x8e67_9c2f_5e44_ff8f, 0xd433_179d_9c8c_b841,
    0x9e19_db92_b4e3_1ba9, 0xeb96_bf6e_badf_77d9, 0xaf87_023b_9bf0_ee6b,
];

#[cfg(test)]
mod tests {
    use super::*;
    use rustc_apfloat::Float as _;
    use rustc_apfloat::ieee::X87DoubleExtended;

    /// A format with 64 bits of significand gives the same bits.
    #[test]
    fn the_table_is_right() {
        for (index, significand) in POWERS.iter().enumerate() {
            let decimal = POWER_FIRST + POWER_STEP * index as i32;
            let power: X87DoubleExtended = format!("1e{decimal}").parse().unwrap();
            assert_eq!(power.to_bits() as u64, *significand, "10^{decimal}");
        }
    }

    /// Texts are what 7.2.6 printed.
    #[test]
    fn not_always_the_shortest() {
        for (value, expected, exponent) in [
            (6.8085e20, "6808499999999999", 5),
            (307113.40901567833, "30711340901567834", -11),
            (642304979066612.2, "6423049790666123", -1),
            (0.1, "1", -1),
            (5e-324, "5", -324),
            (f64::MAX, "17976931348623157", 292),
        ] {
            let found = digits(value);
            assert_eq!(found.as_bytes(), expected.as_bytes());
            assert_eq!(found.exponent, exponent);
        }
    }
}

"""Names for the demo's people, by country of origin: each part is a common one, and which go together chance decides.

Nobody is meant by any of them. Where people write with other letters than Latin ones, a name stands in both.
"""
# ruff: noqa: RUF001 -- a letter of another script is no mistake here

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# In Latin letters, and in the person's own script if that is another one.
Written = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Naming:
    """How people of one tongue (ISO 639-3) are called."""

    tongue: str
    family: tuple[Written, ...]
    female: tuple[Written, ...]
    male: tuple[Written, ...]


def _read(tongue: str, family: str, female: str, male: str) -> Naming:
    return Naming(tongue, _parted(family), _parted(female), _parted(male))


def _parted(names: str) -> tuple[Written, ...]:
    pairs = (name.strip().partition("|") for name in names.split(","))
    return tuple((latin, own or None) for latin, _, own in pairs)


_TURKISH = _read(
    "tur", "Karadere, Aktepe, Yolaçan, Gökçeli, Demirbağ, Sarıkum", "Elif, Zehra, Sevgi, Derya", "Emre, Murat, Hasan, Serkan"
)
_ARABIC_OF_THE_WEST = _read(
    "ara",
    "Benjelloul|بن جلول, El Hamraoui|الحمراوي, Bouzidane|بوزيدان, Zerouki|زروقي, Chemlaoui|الشملاوي, Tazouti|تازوتي",
    "Khadija|خديجة, Samira|سميرة, Naïma|نعيمة, Imane|إيمان",
    "Youssef|يوسف, Rachid|رشيد, Karim|كريم, Hicham|هشام",
)
_ARABIC_OF_THE_EAST = _read(
    "ara",
    "Al-Rashidi|الراشدي, Al-Mansuri|المنصوري, Haddadin|حدادين, Al-Kazimi|الكاظمي, Darwishi|درويشي, Saqqar|صقار",
    "Maryam|مريم, Huda|هدى, Rania|رانيا, Zaynab|زينب",
    "Ahmad|أحمد, Omar|عمر, Mustafa|مصطفى, Ibrahim|إبراهيم",
)
_URDU = _read(
    "urd",
    "Qureshani|قریشانی, Chaudhar|چودھر, Bhattani|بھٹانی, Sheikhani|شیخانی, Rajput|راجپوت, Malikpuri|ملک پوری",
    "Ayesha|عائشہ, Nadia|نادیہ, Sadia|سعدیہ, Rukhsana|رخسانہ",
    "Imran|عمران, Bilal|بلال, Usman|عثمان, Tariq|طارق",
)
_PASHTO = _read(
    "pus",
    "Zadranwal|ځدراڼوال, Stanekzai|ستانکزی, Momandwal|مومندوال, Khogyanai|خوګیاڼی",
    "Gulalai|ګلالۍ, Spogmay|سپوږمۍ, Palwasha|پلوشه",
    "Zmaray|زمری, Baryalai|بریالی, Khushal|خوشحال, Toryalai|توریالی",
)
_PERSIAN = _read(
    "pes",
    "Ahmadpour|احمدپور, Rostamian|رستمیان, Jafarinia|جعفری\u200cنیا, Golestani|گلستانی, Shirazifar|شیرازی\u200cفر",
    "Shirin|شیرین, Leila|لیلا, Parisa|پریسا, Nasrin|نسرین",
    "Reza|رضا, Ali|علی, Hamid|حمید, Farhad|فرهاد",
)
_DARI = _read(
    "prs",
    "Rahimyar|رحیم\u200cیار, Heravizada|هروی\u200cزاده, Noorani|نورانی, Bamiyani|بامیانی",
    "Fatima|فاطمه, Zahra|زهرا, Marwa|مروه",
    "Mahdi|مهدی, Jawad|جواد, Nasir|نصیر, Hussain|حسین",
)
_HINDI = _read(
    "hin",
    "Chaturvani|चतुर्वानी, Devkumar|देवकुमार, Guptara|गुप्तारा, Rathodi|राठोडी, Yadavan|यादवान",
    "Anita|अनीता, Sunita|सुनीता, Priya|प्रिया, Kavita|कविता",
    "Rajesh|राजेश, Vikram|विक्रम, Suresh|सुरेश, Amit|अमित",
)
_BENGALI = _read(
    "ben",
    "Talukdar|তালুকদার, Hawlader|হাওলাদার, Sarkarpur|সরকারপুর, Bhuiyan|ভূঁইয়া",
    "Fatema|ফাতেমা, Nasrin|নাসরিন, Rehana|রেহানা",
    "Rahim|রহিম, Kamal|কামাল, Jahangir|জাহাঙ্গীর, Sohel|সোহেল",
)
_NEPALI = _read(
    "nep",
    "Adhikarel|अधिकारेल, Thapaliya|थपलिया, Gurungel|गुरुङ्गेल, Basnyal|बस्न्याल",
    "Sita|सीता, Maya|माया, Gita|गीता", "Bishnu|विष्णु, Prakash|प्रकाश, Dipak|दीपक",
)  # fmt: skip
_TAMIL = _read(
    "tam",
    "Sivanathan|சிவநாதன், Kandasami|கந்தசாமி, Selvakumar|செல்வகுமார், Rajaratnam|ராஜரத்தினம்",
    "Malar|மலர், Kala|கலா, Vani|வாணி", "Arul|அருள், Murugan|முருகன், Kumaran|குமரன்",
)  # fmt: skip
_AMHARIC = _read(
    "amh", "Tessema|ተሰማ, Bekele|በቀለ, Haile|ኃይሌ, Worku|ወርቁ", "Almaz|አልማዝ, Tigist|ትዕግስት, Hirut|ሂሩት",
    "Dawit|ዳዊት, Yonas|ዮናስ, Abebe|አበበ",
)  # fmt: skip
_GEORGIAN = _read(
    "kat", "Kvaradze|კვარაძე, Lomashvili|ლომაშვილი, Tsikarelia|ციკარელია", "Nino|ნინო, Tamar|თამარ", "Giorgi|გიორგი, Levan|ლევან"
)
_KAZAKH = _read(
    "kaz", "Akhmetkali|Ахметкали, Serikbai|Серікбай, Zholdasbek|Жолдасбек, Kairatkhan|Қайратхан", "Aigul|Айгүл, Dinara|Динара",
    "Nurlan|Нұрлан, Yerlan|Ерлан",
)  # fmt: skip
_CHINESE = _read(
    "zho", "Ouyang|欧阳, Shangguan|上官, Sima|司马, Zhuge|诸葛", "Xiulan|秀兰, Meiling|美玲, Lihua|丽华", "Jianguo|建国, Wei|伟, Zhiqiang|志强"
)
_VIETNAMESE = _read("vie", "Nguyễn, Trần, Phạm, Đặng", "Thị Hoa, Thu Hà", "Văn Minh, Đức Anh")
_SPANISH = _read(
    "spa", "Valdés Orrego, Peraza Luna, Montalvo Ruiz, Cárdenas Sol", "Yanelis, Marisol, Caridad", "Yoel, Ernesto, Lázaro"
)
_AKAN = _read("aka", "Owusuba, Mensahene, Boatengo", "Abena, Akosua", "Kwame, Kofi")
_IGBO = _read("ibo", "Okonkwale, Nwachukwu, Ezeobi", "Ngozi, Adaeze", "Chidi, Emeka")
_WOLOF = _read("wol", "Ceesara, Ndiayel, Diopane, Jallowa", "Fatou, Awa", "Lamin, Ousmane, Modou")
_DUALA = _read("dua", "Mbappouna, Ekambi, Njohka", "Solange, Ndolo", "Samuel, Ebongue")
_SOMALI = _read("som", "Warsame, Farahow, Guled, Nuuradin", "Hodan, Ifrah", "Abdi, Liban")

NAMINGS: Final[Mapping[str, tuple[Naming, ...]]] = {
    "TR": (_TURKISH,), "MA": (_ARABIC_OF_THE_WEST,), "DZ": (_ARABIC_OF_THE_WEST,), "TN": (_ARABIC_OF_THE_WEST,),
    "EG": (_ARABIC_OF_THE_EAST,), "IQ": (_ARABIC_OF_THE_EAST,), "SY": (_ARABIC_OF_THE_EAST,),
    "PK": (_URDU, _URDU, _PASHTO), "AF": (_DARI, _PASHTO), "IR": (_PERSIAN,), "IN": (_HINDI,), "BD": (_BENGALI,),
    "NP": (_NEPALI,), "LK": (_TAMIL,), "ET": (_AMHARIC,), "GE": (_GEORGIAN,), "KZ": (_KAZAKH,), "CN": (_CHINESE,),
    "VN": (_VIETNAMESE,), "CU": (_SPANISH,), "GH": (_AKAN,), "NG": (_IGBO,), "GM": (_WOLOF,), "SN": (_WOLOF,),
    "CM": (_DUALA,), "SO": (_SOMALI,),
}  # fmt: skip

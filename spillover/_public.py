"""Which public input-output tables there are, and where: addresses, licences, citations.

Addresses were found in public documents or code, named beside each. None was tried from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class PublicTable:
    """A public table: what it is, under which terms, and where its files are.

    Attributes
    ----------
    title, format, licence, citation, page : str
        What it is; the reader of ``read_io``; terms of use; what to cite; where it is published.
    first, last : int or None
        Years it covers; None where it is the file that tells.
    kazakhstan : bool
        Whether it has Kazakhstan as a country of its own.
    addresses : mapping of (first year, last year) to address
        ``{year}`` stands for the year. Empty if the publisher has no address for direct download.
    megabytes : int or None
        Size of a file, where it is known.
    doi : str
        Record whose repository states checksums, which are then used.
    checksum_reason : str
        Why no checksum stands here.
    by_hand : str
        What to do where there is no address.
    """

    title: str
    format: str
    licence: str
    citation: str
    page: str
    first: int | None
    last: int | None
    kazakhstan: bool
    addresses: Mapping[tuple[int, int], str]
    megabytes: int | None = None
    doi: str = ""
    checksum_reason: str = "the publisher states none that could be checked"
    by_hand: str = ""


ALWAYS = (0, 9999)  # one file holds all years
_WIOD = "Timmer, Dietzenbacher, Los, Stehrer and de Vries (2015), Review of International Economics"
_OECD_PAGE = "https://www.oecd.org/en/data/datasets/inter-country-input-output-tables.html"
_OECD = "OECD (edition and year), Inter-Country Input-Output Tables"
_OECD_TERMS = "OECD terms and conditions: free use with citation"
_STAT = "https://stats.oecd.org/wbos/fileview2.aspx?IDFile="
_STATCAN = "https://www150.statcan.gc.ca/n1/tbl/csv"

TABLES: Mapping[str, PublicTable] = MappingProxyType(
    {
        "wiod2013": PublicTable(
            "World Input-Output Database, 2013 release: 40 countries, 35 industries",
            "wiod2013",
            "free use with citation",
            _WIOD,
            "https://www.rug.nl/ggdc/valuechain/wiod/wiod-2013-release",
            1995,
            2011,
            kazakhstan=False,
            addresses={},
            by_hand="Download the World Input-Output Tables (Excel) from the page.",
        ),
        # Address: documentation and code of it-is-me-mario/MARIO (user guide, WIOD parser).
        "wiod2016": PublicTable(
            "World Input-Output Database, 2016 release: 43 countries, 56 industries (.xlsb)",
            "wiod2016",
            "CC BY 4.0",
            _WIOD,
            "https://doi.org/10.34894/PJ2M1C",
            2000,
            2014,
            kazakhstan=False,
            addresses={(2000, 2014): "https://dataverse.nl/api/access/datafile/199104"},
        ),
        # Address: default of the downloader io_dl_wiot in R, and MARIO's sibling above. A public
        # project pins 641,578,409 bytes with SHA-1 51efc2a6c0358cff485e24d6b4b96ffe27f4e23a.
        "wiod2016_r": PublicTable(
            "World Input-Output Database, 2016 release, data frames for R (.RData)",
            "wiod2016",
            "CC BY 4.0",
            _WIOD,
            "https://doi.org/10.34894/PJ2M1C",
            2000,
            2014,
            kazakhstan=False,
            addresses={(2000, 2014): "https://dataverse.nl/api/access/datafile/199101"},
            megabytes=642,
        ),
        # Addresses of the OECD tables: pymrio/tools/iodownloader.py of IndEcol/pymrio. OECD.Stat
        # was closed in 2024; where an address has gone, the file has to be taken from the page.
        "icio2016": PublicTable(
            "OECD Inter-Country Input-Output tables, 2016 release: 63 countries, 34 industries",
            "icio",
            _OECD_TERMS,
            _OECD,
            _OECD_PAGE,
            1995,
            2011,
            kazakhstan=False,
            addresses={(1995, 2011): "https://www.oecd.org/sti/ind/ICIO2016_{year}.zip"},
        ),
        "icio2018": PublicTable(
            "OECD Inter-Country Input-Output tables, 2018 release: 64 countries, 36 industries",
            "icio",
            _OECD_TERMS,
            _OECD,
            _OECD_PAGE,
            2005,
            2015,
            kazakhstan=True,
            addresses={
                (2005, 2005): f"{_STAT}1f134869-1820-49ce-b8b8-3973ec8db607",
                (2006, 2006): f"{_STAT}da62c835-f4fa-4450-bf19-1dd60f88a385",
                (2007, 2007): f"{_STAT}c4d4c21d-00db-48d8-9f9a-f722fcdca494",
                (2008, 2008): f"{_STAT}1fd2fc03-c140-46f4-818e-9a66b671ff70",
                (2009, 2009): f"{_STAT}4cc79090-d1ee-48b6-a252-e75312d32a1c",
                (2010, 2010): f"{_STAT}16d04830-3c27-47a5-bc03-e429d27f585e",
                (2011, 2011): f"{_STAT}dc48c8c0-f200-487a-aecb-0c2c17fe3ddf",
                (2012, 2012): f"{_STAT}cfd03495-8a90-4449-8097-a30f06853cab",
                (2013, 2013): f"{_STAT}8c8ac674-1b6c-4c8e-94d1-158f06285659",
                (2014, 2014): f"{_STAT}0190bd9d-31d0-4171-bd1c-82d96b88e469",
                (2015, 2015): f"{_STAT}9f579ef3-4685-45e4-a0ba-d1acbd9755a6",
            },
        ),
        "icio2021": PublicTable(
            "OECD Inter-Country Input-Output tables, 2021 release: 66 countries, 45 industries",
            "icio",
            _OECD_TERMS,
            _OECD,
            _OECD_PAGE,
            1995,
            2018,
            kazakhstan=True,
            addresses={
                (1995, 1999): f"{_STAT}91d8e84b-7406-46b9-af5f-ec096242755c",
                (2000, 2004): f"{_STAT}8adf89dd-18b4-40fe-bc7f-c822052eb961",
                (2005, 2009): f"{_STAT}fe218690-0a3b-44aa-a82c-b3e3da6d24db",
                (2010, 2014): f"{_STAT}2c2f499f-5703-4034-9457-2f7518e8f2fc",
                (2015, 2018): f"{_STAT}59a3d7f2-3f23-40d5-95ca-48da84c0f861",
            },
        ),
        "icio2023": PublicTable(
            "OECD Inter-Country Input-Output tables, 2023 release: 76 countries, 45 industries",
            "icio",
            _OECD_TERMS,
            _OECD,
            _OECD_PAGE,
            1995,
            2020,
            kazakhstan=True,
            addresses={
                (1995, 2000): f"{_STAT}d26ad811-5b58-4f0c-a4e3-06a1469e475c",
                (2001, 2005): f"{_STAT}7cb93dae-e491-4cfd-ac67-889eb7016a4a",
                (2006, 2010): f"{_STAT}ea165bfb-3a85-4e0a-afee-6ba8e6c16052",
                (2011, 2015): f"{_STAT}1f791bc6-befb-45c5-8b34-668d08a1702a",
                (2016, 2020): f"{_STAT}d1ab2315-298c-4e93-9a81-c6f2273139fe",
            },
        ),
        "icio2025": PublicTable(
            "OECD Inter-Country Input-Output tables, 2025 release: 80 countries, 50 industries",
            "icio",
            _OECD_TERMS,
            _OECD,
            _OECD_PAGE,
            1995,
            2022,
            kazakhstan=True,
            addresses={},
            by_hand="Download the zip archive of the years wanted (regular or extended) from the "
            "page; no direct address is documented.",
        ),
        "adb_mrio": PublicTable(
            "ADB Multiregional Input-Output Tables: 62 to 74 economies, 35 sectors",
            "adb_mrio",
            "Asian Development Bank terms of use: with citation",
            "Asian Development Bank (year), Multiregional Input-Output Tables",
            "https://kidb.adb.org/globalization/current",
            2000,
            2024,
            kazakhstan=True,
            addresses={},
            by_hand="Download the workbook of the year from the page; direct addresses change with "
            "each release.",
        ),
        "eora26": PublicTable(
            "Eora26: 189 countries, 26 sectors, basic prices",
            "eora26",
            "free for academic use after registration",
            "Lenzen, Kanemoto, Moran and Geschke (2012), Environmental Science & Technology; "
            "Lenzen, Moran, Kanemoto and Geschke (2013), Economic Systems Research",
            "https://worldmrio.com/simplified/",
            1990,
            None,
            kazakhstan=True,
            addresses={},
            by_hand="Register, log in and download Eora26_YYYY_bp.zip and indices.zip.",
        ),
        # Record and file names: Zenodo's record 15689391 (version 3.9.6) and pymrio's downloader.
        "exiobase3": PublicTable(
            "EXIOBASE 3.9.6, industry by industry: 44 countries and 5 rests, 163 industries",
            "exiobase3",
            "free for non-commercial academic use, adapted CC BY-NC-SA (see its LICENSE.txt)",
            "Stadler et al. (2018), Journal of Industrial Ecology 22(3)",
            "https://doi.org/10.5281/zenodo.15689391",
            1995,
            2022,
            kazakhstan=False,
            addresses={
                (1995, 2022): "https://zenodo.org/records/15689391/files/IOT_{year}_ixi.zip"
            },
            megabytes=462,
            doi="10.5281/zenodo.15689391",
        ),
        # Addresses of Statistics Canada's full-table downloads, as public code has them.
        "statcan_symmetric": PublicTable(
            "Statistics Canada 36-10-0001: symmetric input-output tables, detail level",
            "statcan",
            "Statistics Canada Open Licence",
            "Statistics Canada, table 36-10-0001-01",
            "https://www150.statcan.gc.ca/n1/en/catalogue/36100001",
            None,
            None,
            kazakhstan=False,
            addresses={ALWAYS: f"{_STATCAN}/36100001-eng.zip"},
            checksum_reason="the file is revised with every release",
        ),
        "statcan_supply_use": PublicTable(
            "Statistics Canada 36-10-0478: supply and use tables, detail level",
            "statcan",
            "Statistics Canada Open Licence",
            "Statistics Canada, table 36-10-0478-01",
            "https://www150.statcan.gc.ca/n1/en/catalogue/36100478",
            None,
            None,
            kazakhstan=False,
            addresses={ALWAYS: f"{_STATCAN}/36100478-eng.zip"},
            checksum_reason="the file is revised with every release",
        ),
    }
)

namespace MiniOneRec.Datasets;

/// <summary>One theme of the demo catalogue: products that people buy one after the other.</summary>
internal sealed record DemoTheme(string Category, string Name, string Purpose, params string[] Steps)
{
    /// <summary>Six categories of five themes of four steps.</summary>
    public static IReadOnlyList<DemoTheme> All { get; } =
    [
        new("Kitchen", "Espresso", "for coffee with a proper crema", "Coffee Grinder", "Espresso Machine", "Walnut Tamper",
            "Milk Frothing Jug"),
        new("Kitchen", "Sourdough", "for slow bread at home", "Starter Jar", "Dough Scraper", "Proofing Basket", "Cast Iron Bread Oven"),
        new("Kitchen", "Pasta", "for fresh pasta on weekdays", "Durum Flour Bin", "Pasta Rolling Machine", "Ravioli Stamp",
        "Pasta Drying Rack"),
        new("Kitchen", "Knives", "for clean cuts and safe fingers", "Chef's Knife", "Whetstone", "Leather Strop", "Magnetic Knife Block"),
        new("Kitchen", "Fermenting", "for pickles, kimchi and kraut", "Fermentation Crock", "Glass Weights", "Airlock Lids",
        "Brine Hydrometer"),
        new("Garden", "Tomatoes", "for a balcony full of fruit", "Tomato Seed Set", "Seedling Tray", "Spiral Plant Stakes",
        "Tomato Fertilizer"),
        new("Garden", "Compost", "for turning scraps into soil", "Kitchen Scrap Caddy", "Compost Bin", "Compost Aerator",
        "Garden Soil Sieve"),
        new("Garden", "Lawn", "for an even green", "Push Mower", "Lawn Edging Shears", "Seed Spreader", "Oscillating Sprinkler"),
        new("Garden", "Birds", "for songbirds near the window", "Window Bird Feeder", "Sunflower Seed Sack", "Nesting Box",
        "Stone Bird Bath"),
        new("Garden", "Bonsai", "for a small tree and a steady hand", "Juniper Bonsai Kit", "Pruning Scissors", "Training Wire",
        "Ceramic Bonsai Pot"),
        new("Cycling", "Commuting", "for the way to work in any weather", "City Helmet", "Rear Light Set", "Pannier Bag",
        "Clip-on Mudguards"),
        new("Cycling", "Gravel", "for long rides off the tarmac", "Gravel Tyres", "Tubeless Sealant", "Frame Bag", "Handlebar Tape"),
        new("Cycling", "Repair", "for fixing a bike on the kitchen floor", "Tyre Levers", "Chain Cleaner", "Torque Wrench",
        "Bike Work Stand"),
        new("Cycling", "Training", "for winter watts indoors", "Smart Trainer", "Heart Rate Strap", "Sweat Mat", "Cadence Sensor"),
        new("Cycling", "Touring", "for weeks with everything on board", "Front Rack", "Waterproof Roll Bag", "Hub Dynamo",
        "Route Computer"),
        new("Camping", "Shelter", "for dry nights outside", "Two-Person Tent", "Tent Footprint", "Guy Line Set", "Camp Tarp"),
        new("Camping", "Sleeping", "for warm nights outside", "Down Sleeping Bag", "Insulated Mat", "Inflatable Pillow", "Silk Liner"),
        new("Camping", "Cooking", "for hot meals far from home", "Gas Stove", "Titanium Pot", "Folding Spork", "Windscreen"),
        new("Camping", "Lighting", "for finding the tent again", "Head Torch", "Camp Lantern", "Solar Charger", "Glow Tent Pegs"),
        new("Camping", "Hiking", "for long days on the trail", "Trekking Poles", "Daypack", "Water Filter", "Trail First Aid Kit"),
        new("Crafts", "Watercolour", "for painting outdoors", "Watercolour Pan Set", "Cold Press Paper", "Squirrel Mop Brush",
        "Masking Fluid"),
        new("Crafts", "Knitting", "for a first jumper", "Bamboo Needles", "Merino Yarn", "Stitch Markers", "Blocking Mat"),
        new("Crafts", "Leather", "for wallets and belts by hand", "Leather Starter Hide", "Stitching Awl", "Waxed Thread", "Edge Beveler"),
        new("Crafts", "Woodcarving", "for spoons from green wood", "Carving Knife", "Hook Knife", "Basswood Blanks", "Tung Oil"),
        new("Crafts", "Printing", "for cards from your own blocks", "Lino Sheets", "Lino Cutters", "Block Printing Ink", "Rubber Brayer"),
        new("Music", "Guitar", "for the first songs", "Acoustic Guitar", "Clip Tuner", "Guitar Capo", "String Winder"),
        new("Music", "Piano", "for practice with headphones", "Stage Piano", "Keyboard Stand", "Sustain Pedal", "Piano Bench"),
        new("Music", "Recording", "for demos in the bedroom", "Audio Interface", "Condenser Microphone", "Pop Filter", "Studio Monitors"),
        new("Music", "Drums", "for rhythm without neighbours", "Practice Pad", "Hickory Sticks", "Metronome", "Electronic Drum Kit"),
        new("Music", "Vinyl", "for records and rituals", "Belt Drive Turntable", "Carbon Record Brush", "Phono Preamp", "Record Crate"),
    ];
}

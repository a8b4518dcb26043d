using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class Packages
{
    public static void Register(IServiceCollection services, IEmbeddingGenerator<string, Embedding<float>> encoder)
    {
        services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(encoder);
        services.AddMiniOneRec(options => options.Seed = 42)
            .AddTokenization()
            .AddModeling(options => options.HiddenSize = 128)
            .AddAlignment(options => options.Epochs = 30)
            .AddReinforcement(options => options.GroupSize = 16).AddReward<ExactMatchReward>().AddReward<RankReward>()
            .AddEvaluation(options => options.Cutoffs = [1, 5, 10]);
    }

    public static void RegisterFromConfiguration(IServiceCollection services, IConfiguration configuration)
    {
        services.AddMiniOneRec(configuration)                        // the section "MiniOneRec" of appsettings.json
            .AddTokenization().UseQuantizer<RqKMeansQuantizer>()
            .AddEvaluation()
            .AddRecommender("models/shop")                           // IRecommender, loaded while the host starts
            .AddRecommender("books", "models/books");                // [FromKeyedServices("books")] IRecommender
    }
}
